//! Confab on one machine: the local host, its HTTP surface and its command line.

pub mod assemble;
pub mod cli;
pub mod host;
pub mod http;
