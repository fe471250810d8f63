//! A cluster in which one primary dies or hangs, or slots migrate, while claims run: the other primaries go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::guard::{Mark, Marked};
use oauth_state_redis::{DEFAULT_PREFIX, RedisGuard};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;
use support::servers::redis_fleet::Cluster;
use tokio::task::JoinSet;

use crate::logs::PASSWORD;
use crate::redis_faults::two;
use crate::storm::{CALLERS, Guard, Storm, cause, first_again, fresh_id, mark_of, replay_of};

/// Replies may take this long on a busy machine, after the budget of 300 ms.
const WITHIN: Duration = Duration::from_millis(700);
/// Writes within this time before a primary dies may not have been replicated.
const LAST_WRITES: Duration = Duration::from_millis(300);

/// One claim of a new id.
struct Claimed {
    mark: Mark,
    slot: u16,
    /// When it was asked, and how long that took.
    at: Instant,
    took: Duration,
    refused: Option<String>,
}

fn slot_of(mark: &Mark) -> u16 {
    let key = format!("{DEFAULT_PREFIX}{}", URL_SAFE_NO_PAD.encode(mark.id()));
    crc16::State::<crc16::XMODEM>::calculate(key.as_bytes()) % 16_384
}

/// Callers that claim new ids, each once and without a retry of their own, until they are told to stop.
struct Claims {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Result<Vec<Claimed>, Failure>>,
}

impl Claims {
    fn start(guards: &[Guard]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let (guard, stop) = (guards[number % guards.len()].clone(), Arc::clone(&stop));
            callers.spawn(async move {
                let mut claims = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let (mark, at) = (mark_of(fresh_id(), 1), Instant::now());
                    let answer = guard.mark_used(&mark).await;
                    let took = at.elapsed();
                    ensure!(!matches!(answer, Ok(Marked::AlreadyUsed { .. })), "a new id was already used");
                    let refused = answer.err().map(|error| cause(&error));
                    claims.push(Claimed { slot: slot_of(&mark), mark, at, took, refused });
                    tokio::time::sleep(Duration::from_millis(8)).await;
                }
                Ok(claims)
            });
        }
        Self { stop, callers }
    }

    async fn end(mut self) -> Result<Vec<Claimed>, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        let mut claims = Vec::new();
        while let Some(done) = self.callers.join_next().await {
            claims.extend(done??);
        }
        Ok(claims)
    }
}

/// How one primary stops answering.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Killed,
    Stopped,
}

/// The slots of living primaries are served throughout; those of the dead one are refused within the budget until its
/// replica takes over.
pub async fn one_primary_gone(fault: Fault) -> Outcome {
    let cluster = Cluster::start(false).await?;
    let guards = two(&cluster.url()).await?;
    gone(cluster, &guards, fault, Some(1)).await
}

/// The client for whole clusters, over a connection of the caller's own: it holds calls back while it refreshes its map,
/// so the share of refused claims is measured here and not bounded. No id may be first twice over it either.
pub async fn over_a_connection_of_the_callers_own() -> Outcome {
    let cluster = Cluster::start(false).await?;
    let nodes: Vec<_> = cluster.servers.iter().map(support::servers::redis::RedisServer::url).collect();
    let client = redis::cluster::ClusterClient::new(nodes)?;
    let mut guards: Vec<Guard> = Vec::new();
    for _ in 0..2 {
        let guard = RedisGuard::from_connection(client.get_async_connection().await?).connect().await?;
        ensure!(guard.server().is_some_and(|server| server.is_cluster), "{:?}", guard.server());
        guards.push(Arc::new(guard));
    }
    gone(cluster, &guards, Fault::Killed, None).await
}

/// `thousandths`: how many claims of the living primaries may be refused.
async fn gone(mut cluster: Cluster, guards: &[Guard], fault: Fault, thousandths: Option<usize>) -> Outcome {
    let before = cluster.primaries().await?;
    // Not the first server, which is asked for the map.
    let gone =
        before.iter().map(|(_, port)| *port).find(|port| *port != cluster.servers[0].port).ok_or("no primary")?;
    let claims = Claims::start(guards);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let struck = Instant::now();
    let server = cluster.servers.iter_mut().find(|server| server.port == gone).ok_or("no server")?;
    match fault {
        Fault::Killed => server.kill()?,
        Fault::Stopped => server.signal("STOP")?,
    }
    let dead_at = Instant::now();
    cluster.wait_until_whole_without(gone).await?;
    let whole_after = struck.elapsed();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    if fault == Fault::Stopped {
        let server = cluster.servers.iter().find(|server| server.port == gone).ok_or("no server")?;
        server.signal("CONT")?;
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
    let claims = claims.end().await?;

    let of_gone = |claim: &&Claimed| before.iter().any(|(slots, port)| *port == gone && slots.contains(&claim.slot));
    let (dead, living): (Vec<&Claimed>, Vec<&Claimed>) = claims.iter().partition(of_gone);
    let refused = living.iter().filter(|claim| claim.refused.is_some()).count();
    let causes = causes(&living);
    ensure!(
        thousandths.is_none_or(|most| refused * 1_000 <= most * living.len()),
        "{refused} of {} claims of living primaries were refused: {causes:?}",
        living.len()
    );
    let dead_refused = dead.iter().filter(|claim| claim.refused.is_some()).count();
    ensure!(dead_refused > 0, "no claim of the dead primary's slots was refused");
    let slowest = claims.iter().map(|claim| claim.took).max().unwrap_or_default();
    ensure!(thousandths.is_none() || slowest < WITHIN, "a claim took {slowest:?}");
    let last = dead.iter().map(|claim| claim.at).max().ok_or("no claims")?;
    let late = dead.iter().filter(|claim| claim.refused.is_some()).map(|claim| claim.at).max().ok_or("none")?;
    ensure!(late < last - Duration::from_millis(500), "the dead primary's slots were never served again");

    // An id that was accepted once must not be first again, whatever happened.
    let explained =
        |claim: &Claimed| of_gone(&claim) && claim.at + claim.took + LAST_WRITES >= struck && claim.at <= dead_at;
    let (mut twice, mut in_window_3) = (0, 0);
    let accepted: Vec<_> = claims.iter().filter(|claim| claim.refused.is_none()).collect();
    for some in accepted.chunks(CALLERS) {
        let mut asked = JoinSet::new();
        for (number, claim) in some.iter().enumerate() {
            let (guard, replay) = (guards[0].clone(), replay_of(&claim.mark, 9));
            asked.spawn(async move { (number, guard.mark_used(&replay).await) });
        }
        for (number, again) in asked.join_all().await {
            if again.map_err(|error| cause(&error))? == Marked::First {
                *(if explained(some[number]) { &mut in_window_3 } else { &mut twice }) += 1;
            }
        }
    }
    ensure!(twice == 0, "{twice} ids were first twice");
    Ok(format!(
        "{refused} of {} claims of the other two refused; of its slots {dead_refused} of {}, the last {:.1} s after; whole after {:.1} s; \
         slowest {} ms; 0 twice, {in_window_3} in window 3",
        living.len(),
        dead.len(),
        late.duration_since(struck).as_secs_f64(),
        whole_after.as_secs_f64(),
        slowest.as_millis()
    ))
}

fn causes(claims: &[&Claimed]) -> BTreeMap<String, usize> {
    let mut causes = BTreeMap::new();
    for cause in claims.iter().filter_map(|claim| claim.refused.clone()) {
        *causes.entry(cause).or_default() += 1;
    }
    causes
}

/// Slots move to another primary, as when a cluster grows: no claim is refused, and no id is first twice.
pub async fn slots_migrate() -> Outcome {
    let cluster = Cluster::start(false).await?;
    for server in &cluster.servers {
        let rights = "~oauth-state:* resetchannels -@all +set +get +ping +info +asking +cluster|slots";
        server.run::<()>(&format!("ACL SETUSER guard on >{PASSWORD} resetkeys {rights}")).await?;
    }
    let guard = || RedisGuard::builder(cluster.url()).credentials("guard", PASSWORD).connect();
    let guards: [Guard; 2] = [Arc::new(guard().await?), Arc::new(guard().await?)];
    let primaries = cluster.primaries().await?;
    let (from, to) = (primaries[0].1, primaries[1].1);
    let (from_id, to_id) = (cluster.id_of(from).await?, cluster.id_of(to).await?);
    let storm = Storm::start(&guards);
    storm.blow(300).await;
    let address = format!("127.0.0.1:{to}");
    let moved = tokio::process::Command::new("redis-cli")
        .args(["--cluster", "reshard", &address, "--cluster-from", &from_id, "--cluster-to", &to_id])
        .args(["--cluster-slots", "1500", "--cluster-yes", "--cluster-pipeline", "1"])
        .stdin(std::process::Stdio::null())
        .output()
        .await?;
    ensure!(moved.status.success(), "redis-cli: {}", String::from_utf8_lossy(&moved.stdout));
    storm.blow(500).await;
    let aftermath = storm.end().await;
    let errors = aftermath.errors();
    ensure!(errors == 0, "{errors} claims were refused: {aftermath}");
    let now = cluster.primaries().await?;
    ensure!(now != primaries, "no slot has moved");
    aftermath.held(&guards[0]).await
}

/// A process that starts while one primary is down serves the others' slots.
pub async fn started_while_one_is_down() -> Outcome {
    let mut cluster = Cluster::start(false).await?;
    let before = cluster.primaries().await?;
    let gone =
        before.iter().map(|(_, port)| *port).find(|port| *port != cluster.servers[0].port).ok_or("no primary")?;
    cluster.servers.iter_mut().find(|server| server.port == gone).ok_or("no server")?.kill()?;
    let guard: Guard = Arc::new(RedisGuard::builder(cluster.url()).connect().await?);
    let (mut served, mut refused) = (Vec::new(), 0);
    for _ in 0..60 {
        let mark = mark_of(fresh_id(), 1);
        let is_dead = before.iter().any(|(slots, port)| *port == gone && slots.contains(&slot_of(&mark)));
        match guard.mark_used(&mark).await {
            Ok(marked) => {
                ensure!(marked == Marked::First, "a new id was used");
                served.push(mark);
            }
            Err(error) => {
                ensure!(is_dead, "refused although its primary lives: {}", cause(&error));
                refused += 1;
            }
        }
    }
    ensure!(refused > 0, "the dead primary's slots were served");
    ensure!(first_again(&guard, &served).await? == 0, "first twice");
    Ok(format!("{} served by the other two, {refused} refused", served.len()))
}
