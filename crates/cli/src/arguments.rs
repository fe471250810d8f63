//! The arguments of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::doctor::Doctor;
use crate::failure::Failure;
use crate::sources::Source;
use crate::text;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, no problem found
  1  problem found: check or doctor found errors (with --deny-warnings or --strict also warnings), or inspect says that
     the state would be refused
  2  the command line is wrong, or would show or accept a key where it must not
  3  the source failed: unavailable, denied, missing, misconfigured, or no answer within the time limit
  4  the document is refused
  5  conflict: the source changed since it was read, or another writer holds its lock; nothing was written
  6  this computer's clock, or the schedule of the ring, cannot be right; nothing was written

SOURCE is a file (ring.json or file:ring.json), env:NAME, - for standard input, or SCHEME:LOCATION for a helper program
oauth-state-source-SCHEME on the PATH, such as aws:prod/oauth-state. env: and - can only be read.

Key material is read from and written to sources only. It is never an argument, and never shown on a terminal unless
--show-key-material is given.";

/// Makes, rotates and checks the key rings of oauth-state, and says what is wrong with a state.
#[derive(Parser)]
#[command(name = "oauth-state", version, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(subcommand_required = true, max_term_width = 120)]
struct CommandLine {
    /// One JSON object on standard output; errors as {"error": {"code", "message", "to_do"}}.
    #[arg(long, global = true)]
    json: bool,
    /// Give up after this time.
    #[arg(long, global = true, value_name = "TIME", value_parser = text::parse_duration, default_value = "10s")]
    time_limit: Duration,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Make, change, list and check key rings.
    #[command(subcommand, arg_required_else_help = true)]
    Keys(Keys),
    /// Print the fingerprint of a ring: equal where two servers hold the same document.
    #[command(after_help = "Example:\n  oauth-state fingerprint env:OAUTH_STATE_KEYS")]
    Fingerprint(Reading),
    /// Say what a state from standard input tells, and why it would be refused.
    Inspect(Inspect),
    /// Find what is wrong with the configuration of a service: ring, source, guard, cookies, sizes; for pipelines.
    Doctor(Box<Doctor>),
    /// Print a completion script.
    #[command(after_help = "Example:\n  oauth-state completions bash > /etc/bash_completion.d/oauth-state")]
    Completions {
        /// For this shell.
        shell: Shell,
    },
    /// Print the manual page, or write one for each command.
    #[command(
        after_help = "Examples:\n  oauth-state man | man -l -\n  oauth-state man --out /usr/local/share/man/man1"
    )]
    Man {
        /// Write all pages into this folder, which must be there.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub enum Keys {
    /// Make a first document, with one key that seals at once.
    Generate(Generate),
    /// Add a new key, which seals once every server has it, and take out retired ones.
    Rotate(Rotate),
    /// Revoke a key that leaked; a new one takes its place at once.
    Revoke(Revoke),
    /// Change propagation, skew or lifetime_cap, while the document holds one key.
    Times(Times),
    /// Take out the keys that open nothing any more.
    #[command(after_help = "Example:\n  oauth-state keys prune ring.json --dry-run")]
    Prune(Change),
    /// List the keys, without their secrets.
    #[command(
        after_help = "Examples:\n  oauth-state keys list ring.json\n  oauth-state keys list aws:prod/oauth-state --json"
    )]
    List(Reading),
    /// Find what is wrong or soon will be; for pipelines.
    Check(Check),
    /// Print the JSON Schema of the document.
    #[command(after_help = "Example:\n  oauth-state keys schema > key-ring.schema.json")]
    Schema,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  oauth-state keys generate --out ring.json
  oauth-state keys generate --propagation 10m --note 'first key' --out aws:prod/oauth-state
  oauth-state keys generate --out - | kubectl create secret generic oauth-state --from-file=ring.json=/dev/stdin
  oauth-state keys generate --bare --out dev.key")]
pub struct Generate {
    /// The destination. An existing ring is never overwritten. - is standard output.
    #[arg(long, value_name = "SOURCE")]
    pub out: Option<Source>,
    /// How long a document takes to reach every server.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "5m")]
    pub propagation: Duration,
    /// The largest difference between two servers' clocks.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "60s")]
    pub skew: Duration,
    /// The longest lifetime that a state may have.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "60m")]
    pub lifetime_cap: Duration,
    /// A note on the key, for operators.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The document's serial: above the last one known, for a ring that takes the place of one that was lost.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub serial: u64,
    /// A bare root key instead of a document, for development.
    #[arg(long, conflicts_with_all = ["propagation", "skew", "lifetime_cap", "note", "serial"])]
    pub bare: bool,
    /// Let `--out -` write to a terminal.
    #[arg(long)]
    pub show_key_material: bool,
}

#[derive(Args)]
pub struct Reading {
    /// The ring.
    pub source: Source,
}

#[derive(Args)]
pub struct Change {
    /// The ring. The new document replaces it, unless another writer changed it meanwhile.
    pub source: Source,
    /// Say what would happen and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Only -: the new document to standard output instead, for a source that cannot be written.
    #[arg(long, value_name = "SOURCE", value_parser = ["-"], hide_possible_values = true, conflicts_with = "dry_run")]
    pub out: Option<String>,
    /// Let `--out -` write to a terminal.
    #[arg(long)]
    pub show_key_material: bool,
    /// Write although this computer's clock differs from the source's, or a time in the ring cannot be right.
    #[arg(long)]
    pub trust_this_clock: bool,
}

#[derive(Args)]
#[command(after_help = "\
A job that runs on a schedule, and again after a failure, gives --if-older-than, so that a repetition adds no key.

Examples:
  oauth-state keys rotate ring.json --dry-run
  oauth-state keys rotate ring.json --if-older-than 30d
  oauth-state keys rotate vault:secret/oauth-state --note 'spring'
  oauth-state keys rotate env:OAUTH_STATE_KEYS --out - > new.json")]
pub struct Rotate {
    #[command(flatten)]
    pub change: Change,
    /// A note on the new key, for operators.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Do nothing, with exit code 0, if the newest key was published less than this time ago.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    pub if_older_than: Option<Duration>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  oauth-state keys list ring.json
  oauth-state keys revoke ring.json 3f9c --dry-run
  oauth-state keys revoke ring.json 3f9c
  oauth-state keys revoke ring.json --all

An attacker who has read the document has every key in it: fix the permissions of the store, then revoke them --all.")]
pub struct Revoke {
    #[command(flatten)]
    pub change: Change,
    /// The key's id as `keys list` shows it: 16 digits, or its first 4 or more where they fit one key only.
    // Checked later, with a message that does not repeat it, because a user may paste a key here.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// Every key that opens anything.
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Revoke a whole id of 16 digits although the ring holds no such key, so that it never comes in.
    #[arg(long)]
    pub unknown_id: bool,
}

#[derive(Args)]
#[command(after_help = "\
With several keys, the time until which each opens would change while its states are under way. A bare root key becomes a
document by this.

Examples:
  oauth-state keys times ring.json --propagation 1h
  oauth-state keys times ring.json --lifetime-cap 10m --dry-run")]
pub struct Times {
    #[command(flatten)]
    pub change: Change,
    /// How long a document takes to reach every server.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    pub propagation: Option<Duration>,
    /// The largest difference between two servers' clocks.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    pub skew: Option<Duration>,
    /// The longest lifetime that a state may have.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration)]
    pub lifetime_cap: Option<Duration>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  oauth-state keys check ring.json
  oauth-state keys check aws:prod/oauth-state --max-age 30d --deny-warnings --json")]
pub struct Check {
    /// The ring.
    pub source: Source,
    /// The age from which the active key is to be replaced.
    #[arg(long, value_name = "TIME", value_parser = text::parse_duration, default_value = "90d")]
    pub max_age: Duration,
    /// The lowest serial that the document may have: an old one that was restored has no problem in itself.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub minimum_serial: u64,
    /// Exit with 1 for warnings, too.
    #[arg(long)]
    pub deny_warnings: bool,
}

#[derive(Args)]
#[command(after_help = "\
Reads a state from standard input: alone, or in a callback's URL, an access log, JSON, HTML, a form or a curl command. A state
is a live credential, and other users can read arguments. It verifies no binding and asks no guard; never accept a login by
its output.

Examples:
  oauth-state inspect < callback.txt
  grep 14:03 access.log | grep /callback | oauth-state inspect
  oauth-state inspect --keys ring.json --app shop --environment production < callback.txt
  pbpaste | oauth-state inspect --keys aws:prod/oauth-state --app shop --environment production --purpose link")]
pub struct Inspect {
    /// The ring; without it, only the form and the key id are told, and what a signed state says, unverified.
    #[arg(long, value_name = "SOURCE", requires_all = ["app", "environment"])]
    pub keys: Option<Source>,
    /// The application's name, as the service gives it to `App::new`.
    #[arg(long, value_name = "NAME", requires = "keys")]
    pub app: Option<String>,
    /// The environment, likewise.
    #[arg(long, value_name = "ENV", requires = "keys")]
    pub environment: Option<String>,
    /// A purpose that the callback accepts: login, link, reauthenticate or custom:NAME; may be given again. All standard ones
    /// by default.
    #[arg(long, value_name = "PURPOSE", requires = "keys", value_parser = text::parse_purpose)]
    pub purpose: Vec<oauth_state::Purpose>,
    /// Judge it at this time instead of now, such as 2026-11-24T12:00:00Z.
    #[arg(long, value_name = "TIME", requires = "keys", value_parser = text::parse_time)]
    pub at: Option<SystemTime>,
    /// Show the data that the service put into the state; it may be personal.
    #[arg(long, requires = "keys")]
    pub show_data: bool,
}

/// The whole command line, for completions and the manual.
pub fn command() -> clap::Command {
    CommandLine::command()
}

/// `None` if help or the version was requested and printed.
pub fn parse(given: Vec<OsString>) -> Result<Option<(Command, Duration)>, Failure> {
    let error = match CommandLine::try_parse_from(given) {
        Ok(parsed) => return Ok(Some((parsed.command, parsed.time_limit))),
        Err(error) => error,
    };
    if error.exit_code() == 0 {
        let _ = error.print();
        return Ok(None);
    }
    // Its first paragraph, on one line; the rest is the usage that --help shows.
    let shown = error.to_string();
    let first = shown.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let message = words.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    Err(if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        Failure::usage("usage", "a command is missing", "oauth-state --help lists them")
    } else {
        Failure::usage("usage", message, "see oauth-state --help, or --help of the command")
    })
}

#[cfg(test)]
mod tests;
