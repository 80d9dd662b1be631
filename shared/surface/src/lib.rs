//! The HTTP surface: what every path asks and answers, whoever serves it.
//!
//! A server routes: it hands each request to the handler of its path and sends the answer as it is. Handlers
//! read the names in their paths themselves, check who asks before they read a body, and answer every
//! failure with a [`Problem`].

mod access;
mod approving;
mod attending;
mod body;
mod changes;
mod granting;
mod hooks;
mod link;
mod news;
mod noticing;
mod once;
pub mod openapi;
mod path;
mod posting;
mod problem;
mod publishing;
mod reading;
mod response;
mod running;
mod settling;
mod switching;
mod token;
mod webhooks;
mod writing;

pub use access::{Access, Right};
pub use approving::{Approvals, Approving, NewDecision, has_link};
pub use attending::{Attending, Listing, NewReply, Redone, TakingOver};
pub use body::{Body, Unread, read_json};
pub use changes::Change;
pub use granting::{Granted, Granting};
pub use hooks::Hooks;
pub use news::{Closing, News, Polling, RunNews, Watch};
pub use noticing::{Noticing, ShownNotice};
pub use once::Once;
pub use openapi::document as openapi;
pub use posting::{Posted, Posting};
pub use problem::Problem;
pub use publishing::{GoingBack, NewVersion, Publishing, Version, Versions};
pub use reading::{Messages, Reading};
pub use response::{harden, health};
pub use running::{NewRun, Running, Runs, Workflows};
pub use settling::{Found, Open, Settling, contrary};
pub use switching::{Stop, Switching};
pub use token::SigningKey;
pub use webhooks::Webhooks;
pub use writing::{NewMessage, Taken, TakenStatus, Writing, say};

/// A request with its whole body.
pub type Request = http::Request<Vec<u8>>;

/// An answer with its whole body.
pub type Response = http::Response<Vec<u8>>;
