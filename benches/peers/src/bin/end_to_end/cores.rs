//! The processors that server, load and Redis run on. `taskset` pins them, if it is installed.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::servers::Failure;
use support::servers::redis::RedisServer;

/// Nothing is pinned without `taskset`, or where this process may use one processor only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cores(Option<Pinned>);

#[derive(Clone, Copy, Debug)]
struct Pinned {
    server: u32,
    load: u32,
    /// The load's, unless there is a third.
    redis: u32,
}

impl Cores {
    pub fn find() -> Self {
        let version = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            return Self::default();
        }
        match allowed().as_slice() {
            [] | [_] => Self::default(),
            [server, load, rest @ ..] => {
                Self(Some(Pinned { server: *server, load: *load, redis: *rest.first().unwrap_or(load) }))
            }
        }
    }

    /// Pins this process.
    pub fn pin_load(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), |cores| pin(std::process::id(), cores.load))
    }

    pub async fn pin_redis(self, redis: &RedisServer) -> Result<(), Failure> {
        let Some(cores) = self.0 else { return Ok(()) };
        let information: String = redis.run("INFO server").await?;
        let process = information.lines().find_map(|line| line.strip_prefix("process_id:")).ok_or("process_id")?;
        pin(process.trim().parse()?, cores.redis)
    }

    /// The words to put in front of a server's command.
    pub fn server_prefix(self) -> Vec<String> {
        self.0.map_or_else(Vec::new, |cores| vec!["taskset".to_owned(), "-c".to_owned(), cores.server.to_string()])
    }

    pub fn report(self) -> Value {
        self.0.map_or(
            json!({ "pinned": false }),
            |cores| json!({ "pinned": true, "server": cores.server, "load": cores.load, "redis": cores.redis }),
        )
    }
}

/// The processors that this process may use.
fn allowed() -> Vec<u32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<u32>().ok()?..=last.trim().parse::<u32>().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// Pins every thread of a process.
fn pin(process: u32, core: u32) -> Result<(), Failure> {
    let pinned = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", &core.to_string(), &process.to_string()])
        .stdout(Stdio::null())
        .status()?;
    if pinned.success() { Ok(()) } else { Err(format!("taskset failed to pin process {process} to {core}").into()) }
}
