//! Many logins at once over several server processes that are killed and restarted.
//!
//! ```text
//! cargo run --release --example load -- --flows 10000 --servers 3 --kill-every 2s
//! cargo run --release --example load -- --store redis --flows 10000     # the same with rows in a Redis that it starts
//! cargo run --release --example load -- --flood 2000 --seconds 20       # robots that start logins and never return
//! ```
//!
//! All flows start, so that they are in flight together, and then all return, evenly over some seconds. Each server is
//! a process; a load balancer in this process sends every request to any of them, and to another one if it does not
//! listen. A small provider in this process answers the redirect. A callback in progress on a process when it was
//! killed is counted separately: no store can finish it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
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
