//! The trial: three server processes, users who sign in, and servers that are killed meanwhile. Once over each store.
//!
//! A callback in progress on a process when it was killed is counted separately: no store can finish it, because its
//! process is gone. Of all others, a store that all servers share finishes every one. A store of one process loses
//! those whose process is gone, or that came to another.

pub mod fleet;
pub mod old;
pub mod server;
pub mod visitor;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::{Fleet, PLACES, random_below};
use server::Settings;
use support::ensure;
use support::servers::Failure;
use tokio::task::JoinSet;
use visitor::{End, Habits, Outcome, sign_in};

use crate::stores::{Servers, document};

/// The number of users who sign in at a time.
pub const AT_A_TIME: u64 = 48;

struct Entrant {
    name: &'static str,
    store: &'static str,
    guard: &'static str,
    sticky: bool,
    /// Whether any server can finish any login.
    shared: bool,
    /// The unavoidable reason for a failed login.
    why: &'static str,
}

const ENTRANTS: [Entrant; 7] = [
    Entrant {
        name: "sealed",
        store: "sealed",
        guard: "Redis",
        sticky: false,
        shared: true,
        why: "a login fails only with the process that had taken its callback, or while the guard is down",
    },
    Entrant {
        name: "redis",
        store: "redis",
        guard: "Redis",
        sticky: false,
        shared: true,
        why: "as sealed; and none begins while Redis is down, and what Redis loses is lost",
    },
    Entrant {
        name: "postgres",
        store: "postgres",
        guard: "Postgres",
        sticky: false,
        shared: true,
        why: "as sealed; and none begins while Postgres is down",
    },
    Entrant {
        name: "memory",
        store: "memory",
        guard: "in process",
        sticky: false,
        shared: false,
        why: "a login's data is only in the process that started it, and every other server answers not_stored",
    },
    Entrant {
        name: "memory, sticky",
        store: "memory",
        guard: "in process",
        sticky: true,
        shared: false,
        why: "a login's data ends with its process, at every deploy and every crash",
    },
    Entrant {
        name: "HashMap",
        store: "hashmap",
        guard: "none",
        sticky: false,
        shared: false,
        why: "as memory; and bound to no browser",
    },
    Entrant {
        name: "HashMap, sticky",
        store: "hashmap",
        guard: "none",
        sticky: true,
        shared: false,
        why: "as memory, sticky; and bound to no browser",
    },
];

pub fn settings(servers: &Servers) -> Result<Settings, Failure> {
    Ok(Settings {
        ring: document()?.to_secret_text().expose().to_owned(),
        redis: servers.redis.url(),
        postgres: servers.postgres.url(),
        store: String::new(),
        plan: None,
        process: 0,
    })
}

pub async fn run(full: bool, servers: Arc<Servers>) -> support::harness::Outcome {
    println!(
        "    servers are killed (-9) and started again while users sign in; callbacks go to any server, or (sticky) to"
    );
    println!(
        "    the one where they started. `in flight`: the callback was in progress on the process that was killed."
    );
    println!("    | store           | guard      |  begun | finished | in flight | failed | success | kills |");
    println!("    |-----------------|------------|-------:|---------:|----------:|-------:|--------:|------:|");
    let (mut all, mut whys) = (0, Vec::new());
    for entrant in &ENTRANTS {
        servers.empty().await?;
        let logins = match (entrant.shared, full) {
            (true, true) => 30_000,
            (true, false) | (false, true) => 10_000,
            (false, false) => 1_000,
        };
        let tally = trial(entrant, logins, &servers).await.map_err(|error| format!("{}: {error}", entrant.name))?;
        all += logins;
        tally.print(entrant);
        whys.push(tally.why(entrant));
        tally.judge(entrant, logins)?;
    }
    whys.iter().for_each(|why| println!("    {why}"));
    Ok(format!("{all} logins: sealed, redis and postgres lost none that was not in flight; no double winner"))
}

#[derive(Default)]
struct Tally {
    begun: u64,
    finished: u64,
    in_flight: u64,
    /// By the process that answered: the one that started the login, or another.
    failed: BTreeMap<(String, &'static str), u64>,
    finished_elsewhere: u64,
    reloaded: BTreeMap<String, u64>,
    begins_broken: u64,
    doubles: u64,
    kills: u64,
    wins: HashMap<u64, u64>,
}

/// Lets so many users sign in, some at a time; counts on the way.
pub async fn crowd(
    fleet: &Arc<Fleet>,
    logins: u64,
    habits: Habits,
    done: &Arc<AtomicU64>,
) -> JoinSet<Result<Vec<End>, Failure>> {
    let (next, mut people) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..AT_A_TIME {
        let (fleet, next, done) = (Arc::clone(fleet), Arc::clone(&next), Arc::clone(done));
        people.spawn(async move {
            let mut ends = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= logins {
                    return Ok(ends);
                }
                ends.push(sign_in(&fleet, number, habits).await?);
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    people
}

/// All results, or the first failure that no store explains.
pub async fn ends(mut people: JoinSet<Result<Vec<End>, Failure>>) -> Result<Vec<End>, Failure> {
    let mut all = Vec::new();
    while let Some(ended) = people.join_next().await {
        all.extend(ended??);
    }
    Ok(all)
}

async fn trial(entrant: &Entrant, logins: u64, servers: &Servers) -> Result<Tally, Failure> {
    let settings = Settings { store: entrant.store.to_owned(), ..settings(servers)? };
    let (fleet, done) = (Arc::new(Fleet::start(settings).await?), Arc::new(AtomicU64::new(0)));
    let habits = Habits { sticky: entrant.sticky, doubles: entrant.shared };
    let people = crowd(&fleet, logins, habits, &done).await;
    let mut tally = Tally::default();
    let mut all = Box::pin(ends(people));
    let mut killing = Box::pin(kill_now_and_then(&fleet, &done, &mut tally.kills));
    let all = tokio::select! {
        all = &mut all => all?,
        failed = &mut killing => return Err(failed.err().unwrap_or_else(|| "nothing was killed".into())),
    };
    drop(killing);
    for end in all {
        tally.count(end);
    }
    let fleet = Arc::into_inner(fleet).ok_or("a user is still signing in")?;
    tally.wins = fleet.end().await?;
    Ok(tally)
}

/// One process at a time, each a few dozen logins after the last; never ends by itself.
async fn kill_now_and_then(fleet: &Fleet, done: &AtomicU64, kills: &mut u64) -> Result<(), Failure> {
    loop {
        let next = done.load(Ordering::SeqCst) + 20 + random_below(40);
        while done.load(Ordering::SeqCst) < next {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fleet.replace(usize::try_from(random_below(PLACES as u64))?).await?;
        *kills += 1;
    }
}

impl Tally {
    fn count(&mut self, end: End) {
        self.begun += 1;
        self.begins_broken += end.begins_broken;
        self.doubles += u64::from(end.double);
        match end.outcome {
            Outcome::Finished { on } => {
                self.finished += 1;
                self.finished_elsewhere += u64::from(on != end.begun_on);
            }
            Outcome::Broken => {
                self.in_flight += 1;
                *self.reloaded.entry(end.reloaded.unwrap_or_default()).or_default() += 1;
            }
            Outcome::Failed { code, on, process_was_killed } => {
                let reason = match (on == end.begun_on, process_was_killed) {
                    (true, _) => "on its own server",
                    (false, true) => "its process was killed",
                    (false, false) => "came to another server",
                };
                *self.failed.entry((code, reason)).or_default() += 1;
            }
        }
    }

    fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    fn print(&self, entrant: &Entrant) {
        let asked = self.begun - self.in_flight;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let success = 100.0 * self.finished as f64 / asked as f64;
        println!(
            "    | {:<15} | {:<10} | {:>6} | {:>8} | {:>9} | {:>6} | {:>5.1} % | {:>5} |",
            entrant.name,
            entrant.guard,
            self.begun,
            self.finished,
            self.in_flight,
            self.failures(),
            success,
            self.kills
        );
    }

    fn why(&self, entrant: &Entrant) -> String {
        let failed: Vec<_> = self.failed.iter().map(|((code, reason), n)| format!("{n} {code}: {reason}")).collect();
        let failed = if failed.is_empty() { "none failed".to_owned() } else { failed.join(", ") };
        let reloaded: Vec<_> = self.reloaded.iter().map(|(code, number)| format!("{number} {code}")).collect();
        format!(
            "{}: {}. Here: {failed}; {} finished on another server; a reload of those in flight: {}",
            entrant.name,
            entrant.why,
            self.finished_elsewhere,
            if reloaded.is_empty() { "none".to_owned() } else { reloaded.join(", ") }
        )
    }

    fn judge(&self, entrant: &Entrant, logins: u64) -> Result<(), Failure> {
        let name = entrant.name;
        ensure!(self.begun == logins, "{name}: {} of {logins} began", self.begun);
        ensure!(self.begun == self.finished + self.in_flight + self.failures(), "{name}: the counts do not add up");
        ensure!(self.kills >= 3, "{name}: only {} kills, that shows nothing", self.kills);
        let double = self.wins.values().filter(|wins| **wins > 1).count();
        ensure!(double == 0, "{name}: {double} logins were won twice");
        let won = u64::try_from(self.wins.len())?;
        ensure!(won >= self.finished && won <= self.finished + self.in_flight, "{name}: {won} wins do not add up");
        if entrant.shared {
            ensure!(self.failures() == 0, "{name}: {:?}", self.failed);
            ensure!(self.finished_elsewhere > 0, "{name}: nothing was finished on another server");
            ensure!(self.doubles > 0, "{name}: no user clicked twice");
            return Ok(());
        }
        // Each failure is one of the two that this store explains, and nothing finished on another server.
        ensure!(self.finished_elsewhere == 0, "{name}: {} finished without their data", self.finished_elsewhere);
        for ((code, reason), number) in &self.failed {
            let explained = code == "not_stored" && *reason != "on its own server";
            ensure!(explained, "{name}: {number} {code}: {reason}");
            let by_the_balancer = *reason == "came to another server";
            ensure!(
                !(entrant.sticky && by_the_balancer),
                "{name}: {number} came to another server in spite of stickiness"
            );
        }
        ensure!(self.failures() > 0, "{name}: none failed: the trial shows nothing");
        Ok(())
    }
}
