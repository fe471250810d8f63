//! Parts that the examples share and no service copies: stand-ins for the providers, a user agent without a window, and
//! the report of a walk-through.
//!
//! A stand-in behaves as its provider documents, as far as a login needs it: the accepted parameters, the responses,
//! the refusals and their words. `docs/providers.md` has the sources. It keeps everything in memory, listens on
//! loopback, and asks for no password.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "each example uses a part of it, and a program has no public items: `pub` says what the other files use"
)]

pub mod apple;
pub mod github;
pub mod google;
pub mod grants;
pub mod log;
pub mod microsoft;
pub mod openid;
pub mod program;
pub mod report;
pub mod user_agent;
pub mod wire;

/// An error of a program that can only report it and stop.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
