//! The protocol as a model for a checker that visits all its states, and the crate's own code for comparison.

#![allow(unreachable_pub, reason = "a test binary has no public items")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::must_use_candidate,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

mod arguments;
mod attacker;
mod checking;
mod connections;
mod drawing;
mod honest;
mod properties;
mod protocol;
mod replay;
mod report;
mod rules;
mod run;
mod state;
mod steps;
mod symmetry;
#[cfg(test)]
mod tests;
mod variants;
mod words;

use std::process::ExitCode;

use arguments::{Arguments, USAGE};

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::parse(given).and_then(known) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprint!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run::run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot write the result: {error}; --out takes a folder that can be written to");
            ExitCode::FAILURE
        }
    }
}

fn known(arguments: Arguments) -> Result<Arguments, String> {
    let names: Vec<_> =
        variants::VARIANTS.iter().map(|variant| variant.name).chain(connections::variant_names()).collect();
    match &arguments.variant {
        Some(name) if name != "design" && !names.contains(&name.as_str()) => {
            Err(format!("unknown variant: {name}; there are design, {}", names.join(", ")))
        }
        _ => Ok(arguments),
    }
}
