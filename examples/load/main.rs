//! Many logins at once over several server processes that are killed and started again.
//!
//! ```text
//! cargo run --release --example load -- --flows 10000 --servers 3 --kill-every 2s
//! cargo run --release --example load -- --store redis --flows 10000     # the same with rows in a Redis that it starts
//! cargo run --release --example load -- --flood 2000 --seconds 20       # robots that begin and never come back
//! ```
//!
//! All flows begin, so that they are in flight together, and then all come back, evenly over some seconds. Each server is a process of its own; a load balancer
//! in this process sends every request to any of them, and to another one if nobody listens. A small provider in this process
//! answers the redirect. A callback that was under way on a process when that was killed is counted apart: no store can finish it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person at a terminal")]
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "a program has no public items: `pub` says what the other files use"
)]

mod arguments;
mod fleet;
mod provider;
mod report;
mod run;
mod server;
mod usage;
mod visitor;

use std::process::ExitCode;

use arguments::Arguments;
pub use support::servers::Failure;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "server") {
        return ended(server::run());
    }
    match Arguments::parse(&arguments) {
        Ok(Some(arguments)) => ended(run::run(&arguments)),
        Ok(None) => {
            println!("{}", arguments::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}\n\n{}", arguments::HELP);
            ExitCode::from(2)
        }
    }
}

fn ended(result: Result<bool, Failure>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
