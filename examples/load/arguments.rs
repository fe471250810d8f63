//! The parsed command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;

pub const HELP: &str = "\
Many logins at once over several server processes that are killed and restarted.

Usage: load [--flows N] [--servers N] [--over TIME] [--kill-every TIME] [--store STORE] [--guard GUARD] [--flood N] [--seconds N]
            [--connections N] [--json FILE] [--targets FILE]

  --flows N          logins that are in flight together (default 1000); exit 1 if a login fails without a kill as the cause
  --servers N        application servers, each a process (default 3)
  --over TIME        callbacks arrive evenly over this time (default 10s)
  --kill-every TIME  kill -9 one server at this interval, and start a replacement; such as 2s or 500ms (default: never)
  --store STORE      the login store: sealed (default), memory, redis or postgres
  --guard GUARD      the replay guard for sealed: memory (default, separate for each server) or redis
  --flood N          login starts per second that never return, in addition to the flows, for --seconds (default: none)
  --seconds N        length of the flood (default 20); users sign in meanwhile, one after the other
  --connections N    requests at a time (default 48)
  --json FILE        write the figures as JSON
  --targets FILE     write the servers' addresses for Prometheus' file_sd; each serves GET /metrics
  -h, --help         this text

Redis and Postgres are started on free ports if needed, and stopped at the end.";

#[derive(Clone, Debug)]
pub struct Arguments {
    pub flows: usize,
    pub servers: usize,
    pub over: Duration,
    pub kill_every: Option<Duration>,
    pub store: String,
    pub guard: String,
    pub flood: usize,
    pub seconds: u64,
    pub connections: usize,
    pub json: Option<PathBuf>,
    pub targets: Option<PathBuf>,
}

impl Arguments {
    /// `None` if help is requested.
    pub fn parse(given: &[String]) -> Result<Option<Self>, Failure> {
        let mut arguments = Self {
            flows: 1_000,
            servers: 3,
            over: Duration::from_secs(10),
            kill_every: None,
            store: "sealed".to_owned(),
            guard: "memory".to_owned(),
            flood: 0,
            seconds: 20,
            connections: 48,
            json: None,
            targets: None,
        };
        let mut given = given.iter();
        while let Some(name) = given.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--flows" => arguments.flows = number(name, value()?)?,
                "--servers" => arguments.servers = number(name, value()?)?,
                "--over" => arguments.over = time(value()?)?,
                "--kill-every" => arguments.kill_every = Some(time(value()?)?),
                "--store" => arguments.store = one_of(name, value()?, &["sealed", "memory", "redis", "postgres"])?,
                "--guard" => arguments.guard = one_of(name, value()?, &["memory", "redis"])?,
                "--flood" => arguments.flood = number(name, value()?)?,
                "--seconds" => arguments.seconds = number(name, value()?)? as u64,
                "--connections" => arguments.connections = number(name, value()?)?,
                "--json" => arguments.json = Some(value()?.into()),
                "--targets" => arguments.targets = Some(value()?.into()),
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        Ok(Some(arguments))
    }
}

fn number(name: &str, text: &str) -> Result<usize, Failure> {
    let number = text.replace('_', "").parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| format!("{name} must be a number from 1 to 1000000, not {text}").into())
}

fn time(text: &str) -> Result<Duration, Failure> {
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let number: u64 = number.parse().map_err(|_| format!("a time must look like 2s or 500ms, not {text}"))?;
    match unit {
        "s" if number > 0 => Ok(Duration::from_secs(number)),
        "ms" if number >= 100 => Ok(Duration::from_millis(number)),
        _ => Err(format!("a time must look like 2s or 500ms and be at least 100ms, not {text}").into()),
    }
}

fn one_of(name: &str, text: &str, known: &[&str]) -> Result<String, Failure> {
    if known.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{name} must be one of {}, not {text}", known.join(", ")).into())
    }
}
