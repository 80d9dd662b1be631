//! The layout of the database and how it is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::Failed;

/// The layout of the database; another number is another layout.
const FORMAT: i64 = 2;

const TABLES: &str = "
CREATE TABLE session (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, lease INTEGER, state TEXT NOT NULL);
CREATE TABLE turn (
    session INTEGER NOT NULL, turn INTEGER NOT NULL, plan INTEGER NOT NULL, record TEXT NOT NULL,
    UNIQUE (session, turn, plan)
);
CREATE TABLE tool_result (
    session INTEGER NOT NULL, turn INTEGER NOT NULL, intent TEXT NOT NULL, result TEXT NOT NULL,
    UNIQUE (session, intent)
);
CREATE INDEX tool_result_turn ON tool_result (session, turn);
CREATE TABLE settlement (
    session INTEGER NOT NULL, turn INTEGER NOT NULL, settlement TEXT NOT NULL,
    PRIMARY KEY (session, turn)
) WITHOUT ROWID;
CREATE TABLE delivery (
    session INTEGER NOT NULL, turn INTEGER NOT NULL, part INTEGER NOT NULL, delivery TEXT NOT NULL,
    PRIMARY KEY (session, turn, part)
) WITHOUT ROWID;
CREATE TABLE spilled (session INTEGER NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY (session, hash)) WITHOUT ROWID;
CREATE TABLE record (
    id INTEGER PRIMARY KEY, collection TEXT NOT NULL, session TEXT NOT NULL, intent TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (collection, session, intent)
);
CREATE TABLE definition (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE execution (
    id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, definition INTEGER NOT NULL,
    started INTEGER NOT NULL, snapshot TEXT NOT NULL, status TEXT NOT NULL
);
CREATE INDEX execution_running ON execution (status) WHERE status = 'RUNNING';
CREATE TABLE execution_event (number INTEGER PRIMARY KEY, execution INTEGER NOT NULL, event TEXT NOT NULL);
CREATE INDEX execution_event_execution ON execution_event (execution);
";

/// What format 2 brought.
const DOCUMENTS: &str = "
CREATE TABLE document (
    tenant TEXT NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
    expires INTEGER, PRIMARY KEY (tenant, topic, id)
) WITHOUT ROWID;
CREATE TABLE counter (
    tenant TEXT NOT NULL, topic TEXT NOT NULL, id TEXT NOT NULL, sum INTEGER NOT NULL DEFAULT 0, expires INTEGER,
    PRIMARY KEY (tenant, topic, id)
) WITHOUT ROWID;
";

/// Opens or creates the database for its one writer.
pub(crate) fn connect(path: &Path) -> Result<Connection, Failed> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The log is synced by `flush`; the database by SQLite before it reuses the log.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    connection.set_prepared_statement_cache_capacity(64);
    prepare(&connection)?;
    Ok(connection)
}

/// All reads see the database as of the first one.
pub(crate) fn connect_read_only(path: &Path) -> Result<Connection, Failed> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format != FORMAT {
        return Err(other_format(format));
    }
    connection.execute_batch("BEGIN")?;
    Ok(connection)
}

fn other_format(format: i64) -> Failed {
    Failed(format!("it has format {format}, this Confab reads format {FORMAT}").into())
}

fn prepare(connection: &Connection) -> Result<(), Failed> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match format {
        FORMAT => Ok(()),
        0 => {
            connection.execute_batch(&format!(
                "BEGIN;{TABLES}{DOCUMENTS}PRAGMA user_version = {FORMAT};COMMIT"
            ))?;
            Ok(())
        }
        1 => {
            connection.execute_batch(&format!(
                "BEGIN;{DOCUMENTS}PRAGMA user_version = {FORMAT};COMMIT"
            ))?;
            Ok(())
        }
        other => Err(other_format(other)),
    }
}
