//! The guards of `src` over real servers: the suite, exhausted pools, databases that are down, and purging.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

mod mariadb;
mod mariadb_server;
mod postgres;
mod postgres_clients;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, Marked};
use oauth_state::testing::{self, guard_suite};

/// The mark of a login that comes back now, with an id that was not used before.
fn new_mark() -> Mark {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let (mut id, now) = ([7; 16], SystemTime::now());
    id[..8].copy_from_slice(&LAST.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    testing::mark(id, [1; 8], now, now + Duration::from_secs(600))
}

/// Another use of the same state.
fn replay_of(mark: &Mark) -> Mark {
    testing::mark(*mark.id(), [9; 8], mark.now(), mark.expires_at())
}

fn unix_now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Runs the suite over two guards that share only the store.
async fn pass_the_suite<G: ReplayGuard>(one: G, other: G) {
    let runtime = tokio::runtime::Handle::current();
    let (one, other) = (Arc::new(one), Arc::new(other));
    let suite = tokio::task::spawn_blocking(move || {
        let guards = std::cell::RefCell::new([one, other].into_iter().cycle());
        guard_suite(|| guards.borrow_mut().next().unwrap(), |answer| runtime.block_on(answer))
    });
    let report = suite.await.unwrap().unwrap();
    assert!(report.overlapping > 0, "no two claims of one id overlapped: that shows nothing");
}

fn kind(answer: Result<Marked, GuardError>) -> GuardErrorKind {
    answer.expect_err("the guard answered").kind()
}

fn told(error: &GuardError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
