//! A guard at its limits: a cluster with a dead primary, and more claims than a process can take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use oauth_state::ReplayGuard;
use oauth_state_redis::{DEFAULT_PREFIX, RedisGuard};
use serde_json::{Value, json};
use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};
use support::servers::redis_fleet::Cluster;
use tokio::task::JoinSet;

use crate::Effort;
use crate::stores::fresh_mark;

type Guard = Arc<dyn ReplayGuard>;

const CALLERS: usize = 64;

/// Claims by callers that wait for each answer: how many of those with a chosen slot were answered in a second, and the share of these that
/// were refused.
async fn answered(guard: &Guard, time: Duration, counts: impl Fn(u16) -> bool + Clone + Send + 'static) -> (f64, f64) {
    let (mut callers, start) = (JoinSet::new(), Instant::now());
    for _ in 0..CALLERS {
        let (guard, counts) = (guard.clone(), counts.clone());
        callers.spawn(async move {
            let (mut answered, mut refused) = (0_u32, 0_u32);
            while start.elapsed() < time {
                let mark = fresh_mark();
                let is_ok = guard.mark_used(&mark).await.is_ok();
                if counts(slot_of(mark.id())) {
                    *(if is_ok { &mut answered } else { &mut refused }) += 1;
                }
            }
            (answered, refused)
        });
    }
    let all = callers.join_all().await;
    let answered: u32 = all.iter().map(|(answered, _)| answered).sum();
    let refused: u32 = all.iter().map(|(_, refused)| refused).sum();
    (f64::from(answered) / start.elapsed().as_secs_f64(), f64::from(refused) / f64::from((answered + refused).max(1)))
}

fn slot_of(id: &[u8; 16]) -> u16 {
    let id = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, id);
    crc16::State::<crc16::XMODEM>::calculate(format!("{DEFAULT_PREFIX}{id}").as_bytes()) % 16_384
}

/// One of three primaries is killed: the claims of the other two, compared with those of before.
pub async fn cluster(effort: Effort) -> Result<Value, Failure> {
    let time = Duration::from_secs_f64(effort.seconds * 10.0);
    let mut cluster = Cluster::start(false).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(cluster.url()).connect().await?);
    let primaries = cluster.primaries().await?;
    let gone =
        primaries.iter().map(|(_, port)| *port).find(|port| *port != cluster.servers[0].port).ok_or("no primary")?;
    let living: Vec<_> = primaries.iter().filter(|(_, port)| *port != gone).map(|(slots, _)| slots.clone()).collect();
    let is_living = move |slot: u16| living.iter().any(|slots| slots.contains(&slot));
    answered(&guard, time / 4, is_living.clone()).await;
    let (whole, _) = answered(&guard, time, is_living.clone()).await;
    cluster.servers.iter_mut().find(|server| server.port == gone).ok_or("no server")?.kill()?;
    let (one_dead, refused) = answered(&guard, time, is_living).await;
    let ratio = one_dead / whole;
    println!(
        "\nA cluster, one of three primaries killed: {ratio:.2} of the claims of the other two, {refused:.4} refused"
    );
    Ok(json!({ "ratio": ratio, "refused": refused }))
}

/// Claims that arrive at this rate, whether or not others were answered; how many a second were.
async fn goodput(guard: &Guard, rate: f64, time: Duration) -> f64 {
    let (start, mut arrived, mut all, good) = (Instant::now(), 0.0, JoinSet::new(), Arc::new(AtomicU32::new(0)));
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while start.elapsed() < time {
        ticks.tick().await;
        while start.elapsed() < time && arrived < rate * start.elapsed().as_secs_f64() {
            arrived += 1.0;
            let (guard, good) = (guard.clone(), Arc::clone(&good));
            all.spawn(async move {
                good.fetch_add(u32::from(guard.mark_used(&fresh_mark()).await.is_ok()), Ordering::Relaxed)
            });
        }
        while all.try_join_next().is_some() {}
    }
    all.join_all().await;
    f64::from(good.load(Ordering::Relaxed)) / start.elapsed().as_secs_f64()
}

/// More claims arrive than the process can take. The load comes from the same process, and takes its share of it.
pub async fn overload(effort: Effort) -> Result<Value, Failure> {
    let time = Duration::from_secs_f64(effort.seconds * 10.0);
    let server = RedisServer::start(Engine::Redis70, &[]).await?;
    let guard: Guard = Arc::new(RedisGuard::builder(server.url()).connect().await?);
    let mut best = 0.0_f64;
    let (closed, _) = answered(&guard, time, |_| true).await;
    for share in [0.5, 0.6, 0.7, 0.8, 0.9, 1.0] {
        best = best.max(goodput(&guard, share * closed, time).await);
    }
    println!("closed {closed:.0} best {best:.0}");
    let mut rows = Vec::new();
    for times in [1.5, 2.0, 4.0] {
        let ratio = goodput(&guard, times * best, time).await / best;
        println!("{times} times the load that it can take: {ratio:.2} of its best");
        rows.push(json!({ "times": times, "ratio": ratio }));
    }
    Ok(Value::Array(rows))
}
