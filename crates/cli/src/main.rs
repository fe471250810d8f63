//! The command line `oauth-state`: makes, rotates and checks key rings, and says what is wrong with a state or a deployment.
//!
//! A thin driver: every step and every check is a function of the library. `docs/command-line.md` shows each command.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program with a terminal")]
#![allow(
    unreachable_pub,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "a program has no public items: `pub` says what the other files use"
)]

mod arguments;
mod change;
mod check;
mod clock;
mod deadline;
mod doctor;
mod failure;
mod generate;
mod inspect;
mod list;
mod manual;
mod output;
mod secrecy;
mod sources;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::SystemTime;

use arguments::{Command, Keys};
use failure::Failure;
use output::Report;

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let json = given.iter().any(|argument| argument == "--json");
    output::finish(run(given), json)
}

fn run(given: Vec<OsString>) -> Result<Report, Failure> {
    secrecy::refuse_secrets(&given)?;
    let Some((command, time_limit)) = arguments::parse(given)? else { return Ok(Report::default()) };
    deadline::run(time_limit, move || dispatch(command))
}

fn dispatch(command: Command) -> Result<Report, Failure> {
    let now = SystemTime::now();
    match command {
        Command::Keys(Keys::Generate(options)) => generate::generate(&options, now),
        Command::Keys(Keys::Rotate(options)) => change::rotate(&options, now),
        Command::Keys(Keys::Revoke(options)) => change::revoke(&options, now),
        Command::Keys(Keys::Times(options)) => change::times(&options, now),
        Command::Keys(Keys::Prune(options)) => change::prune(&options, now),
        Command::Keys(Keys::List(options)) => list::list(&options.source, now),
        Command::Keys(Keys::Check(options)) => check::check(&options, now),
        Command::Keys(Keys::Schema) => Ok(manual::schema()),
        Command::Fingerprint(options) => list::fingerprint(&options.source),
        Command::Inspect(options) => inspect::inspect(&options, now),
        Command::Doctor(options) => doctor::doctor(&options, now),
        Command::Completions { shell } => Ok(manual::completions(shell)),
        Command::Man { out } => manual::man(out.as_deref()),
    }
}
