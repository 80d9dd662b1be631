//! `confab schema`: the JSON Schema of a file format.

use clap::{Args, ValueEnum};
use engine::bot::schema;

use super::failure::Failure;
use super::screen::Screen;

/// Print the JSON Schema of a file format
#[derive(Args)]
pub(super) struct Schema {
    /// Which file's
    format: File,
}

#[derive(Clone, Copy, ValueEnum)]
enum File {
    /// bot.toml
    Bot,
    /// tools/<name>.toml
    Tool,
    /// people.toml
    People,
    /// the secrets file
    Secrets,
    /// workflows/<name>.yaml
    Workflow,
    /// Confab's own events, as workflows see their data
    Events,
}

impl Schema {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Failure> {
        let schema = match self.format {
            File::Bot => schema::bot(),
            File::Tool => schema::tool(),
            File::People => schema::people(),
            File::Secrets => schema::secrets(),
            File::Events => engine::bus::schema(),
            File::Workflow => return Ok(screen.line(engine::workflow::WORKFLOW_SCHEMA.trim_end())?),
        };
        Ok(screen.document(&schema)?)
    }
}
