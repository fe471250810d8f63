//! The run: all users start, all users return, and servers die meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use oauth_state::ring::RootKey;
use oauth_state_postgres::{ROWS_SCHEMA, SCHEMA};
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::Failure;
use crate::arguments::Arguments;
use crate::fleet::{Fleet, Sent};
use crate::provider;
use crate::report::{Counts, Moment, report};
use crate::server::Settings;
use crate::visitor::{self, InFlight, come_back};

/// The tasks' counters during the run, for the lines printed meanwhile.
#[derive(Default)]
struct Progress {
    begun: AtomicU64,
    ended: AtomicU64,
    robots: AtomicU64,
}

/// Whether every failure is explained by a kill.
pub fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // On this thread, because the stores end with the thread that started them.
    let (mut redis, mut postgres) = (None, None);
    if arguments.store == "redis" || arguments.guard == "redis" {
        redis = Some(runtime.block_on(RedisServer::start(Engine::Redis70, &[]))?);
    }
    if arguments.store == "postgres" {
        postgres = Some(runtime.block_on(started_postgres())?);
    }
    let settings = Settings {
        ring: RootKey::generate()?.to_secret_text().expose().to_owned(),
        provider: runtime.block_on(provider::start())?,
        store: arguments.store.clone(),
        guard: arguments.guard.clone(),
        redis: redis.as_ref().map_or_else(String::new, RedisServer::url),
        postgres: postgres.as_ref().map_or_else(String::new, PostgresServer::url),
    };
    runtime.block_on(load(arguments, settings))
}

async fn started_postgres() -> Result<PostgresServer, Failure> {
    let postgres = PostgresServer::start(&[]).await?;
    postgres.execute(SCHEMA).await?;
    postgres.execute(ROWS_SCHEMA).await?;
    Ok(postgres)
}

async fn load(arguments: &Arguments, settings: Settings) -> Result<bool, Failure> {
    let fleet = Arc::new(Fleet::start(settings, arguments.servers, arguments.targets.clone()).await?);
    let (progress, start) = (Arc::new(Progress::default()), Instant::now());
    let moments = Arc::new(Mutex::new(vec![moment(&fleet, &progress, start)]));
    println!("{} servers run; {} flows, {} at a time", arguments.servers, arguments.flows, arguments.connections);
    Moment::heading();
    let mut beside = JoinSet::new();
    beside.spawn(watch(Arc::clone(&fleet), Arc::clone(&progress), Arc::clone(&moments), start));
    let kills = Arc::new(AtomicU64::new(0));
    if let Some(every) = arguments.kill_every {
        beside.spawn(kill(Arc::clone(&fleet), every, Arc::clone(&kills)));
    }
    let mut counts = Counts::default();
    if arguments.flood > 0 {
        flood(arguments, &fleet, &progress, &mut counts).await?;
    } else {
        let waiting = all_begin(arguments, &fleet, &progress, &mut counts).await?;
        all_come_back(arguments, &fleet, &progress, waiting, &mut counts).await?;
    }
    beside.abort_all();
    while let Some(ended) = beside.join_next().await {
        // Report the logins even after other errors.
        match ended {
            Ok(ended) => ended?,
            Err(error) if error.is_panic() => return Err(error.into()),
            Err(_) => {}
        }
    }
    counts.kills = kills.load(Ordering::SeqCst);
    let mut moments = moments.lock().await;
    moments.push(moment(&fleet, &progress, start));
    let figures = report(arguments, &mut counts, &moments);
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(counts.failed.is_empty())
}

/// Lets tasks take numbers below `end`, so many at a time, until none is left.
async fn shared_out<R: Send + 'static, F: Future<Output = Result<R, Failure>> + Send + 'static>(
    tasks: usize,
    end: usize,
    work: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Result<Vec<R>, Failure> {
    let (next, mut running) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..tasks {
        let (next, work) = (Arc::clone(&next), work.clone());
        running.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst) as usize;
                if number >= end {
                    return Ok::<_, Failure>(done);
                }
                done.push(work(number).await?);
            }
        });
    }
    let mut all = Vec::with_capacity(end);
    while let Some(done) = running.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}

async fn all_begin(
    arguments: &Arguments,
    fleet: &Arc<Fleet>,
    progress: &Arc<Progress>,
    counts: &mut Counts,
) -> Result<Vec<InFlight>, Failure> {
    let (fleet, progress) = (Arc::clone(fleet), Arc::clone(progress));
    let begin = move |number: usize| {
        let (fleet, progress) = (Arc::clone(&fleet), Arc::clone(&progress));
        async move {
            let begun = visitor::begin(&fleet, number as u64).await?;
            progress.begun.fetch_add(1, Ordering::Relaxed);
            Ok(begun)
        }
    };
    let begun = shared_out(arguments.connections, arguments.flows, begin).await?;
    let mut waiting = Vec::with_capacity(begun.len());
    for begun in begun {
        match begun {
            Ok((login, took)) => {
                waiting.push(login);
                counts.begins.push(took);
            }
            Err(why) => counts.not_begun(why),
        }
    }
    println!("       all of them are in flight");
    Ok(waiting)
}

async fn all_come_back(
    arguments: &Arguments,
    fleet: &Arc<Fleet>,
    progress: &Arc<Progress>,
    waiting: Vec<InFlight>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let logins = waiting.len();
    let waiting = Arc::new(std::sync::Mutex::new(waiting));
    let (fleet, progress) = (Arc::clone(fleet), Arc::clone(progress));
    let (start, over, in_memory) = (Instant::now(), arguments.over, arguments.store == "memory");
    let ends = shared_out(arguments.connections, logins, move |number| {
        let (fleet, progress, waiting) = (Arc::clone(&fleet), Arc::clone(&progress), Arc::clone(&waiting));
        async move {
            let due = start + over.mul_f64(number as f64 / logins as f64);
            tokio::time::sleep_until(due.into()).await;
            let login = waiting.lock().unwrap().pop().ok_or("no user is left")?;
            let ended = come_back(&fleet, login, in_memory, due).await?;
            progress.ended.fetch_add(1, Ordering::Relaxed);
            Ok(ended)
        }
    });
    for (outcome, took) in ends.await? {
        counts.count(outcome, took);
    }
    Ok(())
}

/// Robots that start logins at a rate and never return, while users sign in.
async fn flood(
    arguments: &Arguments,
    fleet: &Arc<Fleet>,
    progress: &Arc<Progress>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let (end, mut running) = (Instant::now() + Duration::from_secs(arguments.seconds), JoinSet::new());
    let robots = (arguments.connections / 2).max(1);
    let pause = Duration::from_secs_f64(robots as f64 / arguments.flood as f64);
    for robot in 0..robots {
        let (fleet, progress) = (Arc::clone(fleet), Arc::clone(progress));
        running.spawn(async move {
            let mut next = Instant::now();
            let mut number = robot as u64;
            while Instant::now() < end {
                let sent = fleet.send(number as usize % fleet.len(), "/begin?visit=0", None).await;
                if matches!(sent, Ok((_, Sent::Answered(answer))) if answer.location.is_some()) {
                    progress.robots.fetch_add(1, Ordering::Relaxed);
                }
                number += 1;
                next += pause;
                tokio::time::sleep_until(next.into()).await;
            }
        });
    }
    let (mut people, next) = (JoinSet::new(), Arc::new(AtomicU64::new(1)));
    for _ in 0..4 {
        let (fleet, progress, next) = (Arc::clone(fleet), Arc::clone(progress), Arc::clone(&next));
        people.spawn(async move {
            let mut ends = Vec::new();
            while Instant::now() < end {
                let begun = visitor::begin(&fleet, next.fetch_add(1, Ordering::SeqCst)).await?;
                progress.begun.fetch_add(1, Ordering::Relaxed);
                ends.push(match begun {
                    Ok((login, begin)) => {
                        let (outcome, callback) = come_back(&fleet, login, true, Instant::now()).await?;
                        Ok((outcome, begin, callback))
                    }
                    Err(why) => Err(why),
                });
                progress.ended.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Failure>(ends)
        });
    }
    while let Some(ends) = people.join_next().await {
        for end in ends?? {
            match end {
                Ok((outcome, begin, callback)) => {
                    counts.begins.push(begin);
                    counts.count(outcome, callback);
                }
                Err(why) => counts.not_begun(why),
            }
        }
    }
    while let Some(robot) = running.join_next().await {
        robot?;
    }
    counts.robots = progress.robots.load(Ordering::Relaxed);
    Ok(())
}

fn moment(fleet: &Fleet, progress: &Progress, start: Instant) -> Moment {
    let (each, processor) = fleet.usage();
    Moment {
        seconds: start.elapsed().as_secs_f64(),
        begun: progress.begun.load(Ordering::Relaxed),
        ended: progress.ended.load(Ordering::Relaxed),
        robots: progress.robots.load(Ordering::Relaxed),
        memory: each.iter().map(|usage| usage.memory).collect(),
        processor,
    }
}

/// A line every two seconds.
async fn watch(
    fleet: Arc<Fleet>,
    progress: Arc<Progress>,
    moments: Arc<Mutex<Vec<Moment>>>,
    start: Instant,
) -> Result<(), Failure> {
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = moment(&fleet, &progress, start);
        now.print();
        moments.lock().await.push(now);
    }
}

/// Kills any of the servers.
async fn kill(fleet: Arc<Fleet>, every: Duration, kills: Arc<AtomicU64>) -> Result<(), Failure> {
    loop {
        tokio::time::sleep(every).await;
        let mut drawn = [0; 8];
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut drawn)?;
        fleet.replace(usize::from_be_bytes(drawn) % fleet.len()).await?;
        kills.fetch_add(1, Ordering::SeqCst);
    }
}
