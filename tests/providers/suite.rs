//! The behavior that every store must have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use base64::Engine as _;
use oauth_state::error::FinishErrorKind;
use oauth_state::{Restart, SingleProcessGuard};
use oauth_state_store::MemoryPayloadStore;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use support::ensure;
use support::harness::Outcome;
use tokio::runtime::Handle;

use crate::stores::{Fleet, Kind, OTHER, OWNER, Server, Servers};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    pub owner: String,
    pub items: Vec<u32>,
}

pub fn basket(number: u32) -> Basket {
    Basket { owner: format!("owner {number}"), items: vec![number, number + 1] }
}

/// The `code_challenge` of a verifier (RFC 7636 section 4.2).
pub fn challenge_of(verifier: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier))
}

pub async fn once(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let [one, other]: [Server<Basket>; 2] = [fleet.server().await?, fleet.server().await?];
    for number in 0..50 {
        let (begins, finishes) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let issued = begins.begin(basket(number)).await?;
        ensure!(issued.state.starts_with(kind.prefix()) && begins.store.owns(&issued.state), "of another form");
        let login = finishes.finish(&issued.state).await?;
        ensure!(login.data == basket(number), "another login's data: {:?}", login.data);
        let verifier = login.code_verifier.ok_or("no code_verifier")?;
        ensure!(issued.code_challenge == Some(challenge_of(verifier.secret())), "a verifier of another challenge");
        ensure!(login.nonce.map(|nonce| nonce.secret().to_owned()) == issued.nonce, "another nonce");
        for server in [begins, finishes] {
            let again = server.finish(&issued.state).await.err().ok_or("finished twice")?;
            ensure!(again.kind() == FinishErrorKind::AlreadyUsed, "{}", again.code());
            ensure!(again.first_used_at().is_some(), "the time of its first use is unknown");
        }
    }
    Ok("50 logins with their data, verifier and nonce; the second time `already_used` on both servers".to_owned())
}

pub async fn refusals(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let [one, other]: [Server<Basket>; 2] = [fleet.server().await?, fleet.server().await?];
    let state = one.state(basket(1)).await?;
    for _ in 0..20 {
        for server in [&one, &other] {
            let refused = server.finish_as(OTHER, "github", &state).await.err().ok_or("finished elsewhere")?;
            ensure!(refused.code() == "other_session", "another browser: {}", refused.code());
            let refused = server.finish_as(OWNER, "forge", &state).await.err().ok_or("finished at another provider")?;
            ensure!(refused.code() == "wrong_provider", "another provider: {}", refused.code());
        }
    }
    other.expect(&state, "finished", "the owner after 80 refused callbacks").await?;
    Ok("40 of another browser, 40 at another provider; then the owner gets in".to_owned())
}

pub async fn expiry(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let [one, other]: [Server<Basket>; 2] = [fleet.server().await?, fleet.server().await?];
    let (in_time, late) = (one.state(basket(1)).await?, one.state(basket(2)).await?);
    // 600 s of lifetime and 60 s of skew.
    fleet.clock.advance(Duration::from_secs(659));
    other.expect(&in_time, "finished", "after 659 s").await?;
    fleet.clock.advance(Duration::from_secs(1));
    let error = other.finish(&late).await.err().ok_or("finished after 660 s")?;
    ensure!(error.code() == "expired", "after 660 s: {}", error.code());
    ensure!(error.restart().is_some_and(Restart::is_automatic), "its own browser may not begin again");
    // Time does not make it live again, and the refusal did not use it up for a server with the right clock.
    fleet.clock.advance(Duration::from_secs(100_000));
    other.expect(&late, "expired", "a day later").await?;
    Ok("finished after 659 s, `expired` after 660 s, with a restart".to_owned())
}

pub async fn restart(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let mut fleet = Fleet::new(kind, servers)?;
    let before: Server<Basket> = fleet.server().await?;
    let states = [before.state(basket(1)).await?, before.state(basket(2)).await?];
    before.expect(&states[0], "finished", "before the restart").await?;
    drop(before);
    // A process that ends loses its memory.
    fleet.memory = Arc::new(MemoryPayloadStore::with_capacity(100));
    fleet.marks = SingleProcessGuard::with_capacity(100);
    let after: Server<Basket> = fleet.server().await?;
    if kind == Kind::Memory {
        let error = after.finish(&states[1]).await.err().ok_or("finished out of another process's memory")?;
        ensure!(error.code() == "not_stored", "{}", error.code());
        let restart = error.restart().filter(|restart| restart.is_automatic()).ok_or("no restart is offered")?;
        ensure!(restart.provider() == "github", "a restart at {}", restart.provider());
        after.expect(&states[0], "not_stored", "used before the restart").await?;
        return Ok("its rows went with the process: `not_stored`, and a restart is offered".to_owned());
    }
    after.expect(&states[1], "finished", "started before the restart").await?;
    after.expect(&states[0], "already_used", "used before the restart").await?;
    Ok("started before, finished after; used before, refused after".to_owned())
}

const STATES: u32 = 5_000;
const TASKS: usize = 16;

/// One state that all tasks compete for.
#[derive(Default)]
struct Prize {
    winners: AtomicUsize,
    asking: AtomicUsize,
}

/// Each task on its own thread: tasks of a store that never waits would otherwise take turns and never overlap.
pub async fn race(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let stores: [Arc<Server<Basket>>; 2] = [Arc::new(fleet.server().await?), Arc::new(fleet.server().await?)];
    let mut states = Vec::new();
    for number in 0..STATES {
        states.push((stores[0].state(basket(number)).await?, Prize::default()));
    }
    let (states, barrier, overlaps) = (Arc::new(states), Arc::new(Barrier::new(TASKS)), Arc::new(AtomicUsize::new(0)));
    let (mut tasks, runtime) = (tokio::task::JoinSet::new(), Handle::current());
    for task in 0..TASKS {
        let (states, barrier, overlaps) = (Arc::clone(&states), Arc::clone(&barrier), Arc::clone(&overlaps));
        let (store, runtime) = (Arc::clone(&stores[task % 2]), runtime.clone());
        tasks.spawn_blocking(move || {
            barrier.wait();
            for (number, (state, prize)) in (0..).zip(states.iter()) {
                if prize.asking.fetch_add(1, Ordering::SeqCst) > 0 {
                    overlaps.fetch_add(1, Ordering::SeqCst);
                }
                let answer = runtime.block_on(store.finish(state));
                prize.asking.fetch_sub(1, Ordering::SeqCst);
                match answer {
                    Ok(login) if login.data == basket(number) => {
                        prize.winners.fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(_) => return Err("another login's data"),
                    Err(error) if error.kind() == FinishErrorKind::AlreadyUsed => {}
                    Err(error) => return Err(error.code()),
                }
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let wrong = states.iter().filter(|(_, prize)| prize.winners.load(Ordering::SeqCst) != 1).count();
    ensure!(wrong == 0, "{wrong} of {STATES} states had no winner or several");
    let overlaps = overlaps.load(Ordering::SeqCst);
    ensure!(overlaps > 0, "no two callbacks of one state overlapped: that shows nothing");
    Ok(format!("one winner for each of {STATES} states, {overlaps} callbacks overlapped"))
}
