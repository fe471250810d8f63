//! Three processes that start logins and finish each other's as fast as they can, while the ring of each source
//! rotates.
//!
//! ```text
//! cargo run -p trial -- --rotations 20     # of each source; 200 is the full form
//! cargo run -p trial -- suites             # each source under the suite that every source passes
//! ```
//!
//! Each process reads each source at its own interval, up to the propagation time. Everything runs twenty times as fast
//! as the wall clock, so a propagation time of forty seconds takes two. The promise: no honest login fails, none is
//! accepted after its key's time, and none under a key that this process knows to be revoked.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "a test: whatever fails ends it"
)]

mod clock;
mod judge;
mod operator;
mod places;
mod server;
mod suites;

use std::process::ExitCode;

/// An error of a program that can only report it and stop.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The sources, in the order of every list here.
pub const SOURCES: [&str; 5] = ["file", "aws", "vault", "gcp", "azure"];

const HELP: &str = "\
Three processes that finish each other's logins while the ring rotates through every source.

Usage: trial [--rotations N]
       trial suites

  --rotations N   rotations of each of the five sources (default 20; the full form is 200, two minutes)
  suites          no processes: each source under the suite that every source passes, and its error messages
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.map_err(Failure::from).and_then(|runtime| match arguments[..] {
        ["server", number] => runtime.block_on(server::run(number.parse()?)).map(|()| ExitCode::SUCCESS),
        ["suites"] => runtime.block_on(suites::run()),
        [] => runtime.block_on(operator::run(20)),
        ["--rotations", number] => runtime.block_on(operator::run(number.parse()?)),
        _ => {
            print!("{HELP}");
            Ok(ExitCode::from(2))
        }
    });
    ended.unwrap_or_else(|error| {
        eprintln!("the trial stopped: {error}");
        ExitCode::FAILURE
    })
}
