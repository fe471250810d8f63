//! The processors of server, load and Redis. `taskset` pins them, if it is installed.

use std::convert::Infallible;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::servers::Failure;
use support::servers::redis::RedisServer;

/// Nothing is pinned without `taskset`, or if this process may use only one processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cores(Option<Pinned>);

#[derive(Clone, Copy, Debug)]
struct Pinned {
    server: u32,
    load: u32,
    /// The load's processor, unless there is a third.
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

    /// Runs Redis before the load if the two share a processor: the load never sleeps. Later processes inherit this.
    pub fn yield_to_redis(self) -> Result<(), Failure> {
        match self.0 {
            Some(cores) if cores.redis == cores.load => {
                run("chrt", &["--all-tasks", "--idle", "--pid", "0", &std::process::id().to_string()])
            }
            _ => Ok(()),
        }
    }

    /// Waits without sleeping, if the load has its own processor. A server whose load sleeps pays for the wake-up with
    /// every response, and a slower server lets the load sleep more often.
    pub async fn awake<R>(self, work: impl Future<Output = R>) -> R {
        tokio::select! {
            result = work => result,
            never = spin(), if self.0.is_some() => match never {},
        }
    }

    /// The command prefix for a server.
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
    run("taskset", &["--all-tasks", "--cpu-list", "--pid", &core.to_string(), &process.to_string()])
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    let status = status.map_err(|error| format!("failed to run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} failed: {status}", arguments.join(" ")).into()) }
}

/// Yields to the other tasks repeatedly, until it is dropped.
async fn spin() -> Infallible {
    loop {
        tokio::task::yield_now().await;
    }
}
