//! A flood of callbacks uses up a guard's connections: to a wrapper that fails open, this must not look like an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::*;
use oauth_state::ReplayGuard;
use oauth_state::guard::{DangerouslyFailOpen, MarkFuture};

const BUDGET: Duration = Duration::from_millis(300);

/// A store with a few connections, which is slow or hangs.
#[derive(Clone)]
struct Small {
    places: Arc<Semaphore>,
    /// The time of an answer; `None` means no answer.
    answers_after: Option<Duration>,
    cannot_connect: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    connected: Arc<AtomicU32>,
}

impl Small {
    fn new(places: usize, answers_after: Option<Duration>) -> Self {
        let places = Arc::new(Semaphore::new(places));
        Self { places, answers_after, cannot_connect: Arc::default(), asked: Arc::default(), connected: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst).try_into().unwrap()
    }
}

impl Store for Small {
    type Connection = ();
    type Lease = Option<OwnedSemaphorePermit>;
    const NAME: &'static str = "small";

    async fn connect(&self) -> Result<(), GuardError> {
        if self.connected.fetch_add(1, Ordering::SeqCst) > 0 || self.cannot_connect.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn lease(&self, (): ()) -> Self::Lease {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

impl Call<Small> for Claim<'_> {
    type Answer = Marked;

    async fn ask(&self, store: &Small, lease: Option<OwnedSemaphorePermit>) -> Result<Marked, Failure> {
        let _place = lease;
        store.asked.fetch_add(1, Ordering::SeqCst);
        match store.answers_after {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
        Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None })
    }
}

struct Over(Link<Small>);

impl ReplayGuard for Over {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(claim(&self.0, mark, BUDGET))
    }
}

/// The results of many replays at once: how many are accepted, and the kinds of the errors.
async fn flood(guard: &Arc<DangerouslyFailOpen<Over>>, calls: usize) -> (usize, Vec<GuardErrorKind>) {
    let before = guard.let_through();
    let mut tasks = tokio::task::JoinSet::new();
    for claimant in 0..calls {
        let guard = Arc::clone(guard);
        let mark = oauth_state::testing::mark([1; 16], (claimant as u64).to_be_bytes(), at(0), at(600));
        tasks.spawn(async move { guard.mark_used(&mark).await });
    }
    let answers = tasks.join_all().await;
    let first = answers.iter().filter(|answer| matches!(answer, Ok(Marked::First))).count();
    assert_eq!(guard.let_through() - before, first as u64);
    (first, answers.into_iter().filter_map(|answer| Some(answer.err()?.kind())).collect())
}

async fn open(store: &Small) -> Arc<DangerouslyFailOpen<Over>> {
    Arc::new(DangerouslyFailOpen::new(Over(Link::open(store.clone()).await.unwrap())))
}

#[tokio::test(start_paused = true)]
async fn a_flood_over_a_small_pool_opens_nothing() {
    let store = Small::new(2, Some(Duration::from_millis(50)));
    let guard = open(&store).await;
    let (first, errors) = flood(&guard, 200).await;
    assert_eq!(first, 0, "load alone let replays through");
    assert_eq!(errors.len(), 200 - store.asked());
    assert!(errors.iter().all(|kind| *kind == GuardErrorKind::Overloaded), "{errors:?}");
}

/// A call that waited for its turn must have as much time for its answer as one that did not. Otherwise load alone
/// would let replays through if the store needs nearly half of the budget.
#[tokio::test(start_paused = true)]
async fn a_steady_load_over_a_slow_store_opens_nothing() {
    for milliseconds in [30, 90, 101, 110, 120, 140, 149] {
        for places in [1, 2, 4] {
            let store = Small::new(places, Some(Duration::from_millis(milliseconds)));
            let guard = open(&store).await;
            let mut tasks = tokio::task::JoinSet::new();
            for claimant in 0..400_u64 {
                let guard = Arc::clone(&guard);
                let mark = oauth_state::testing::mark([1; 16], claimant.to_be_bytes(), at(0), at(600));
                tasks.spawn(async move {
                    sleep(Duration::from_millis(claimant * 5)).await;
                    guard.mark_used(&mark).await
                });
            }
            let answers = tasks.join_all().await;
            let first = answers.iter().filter(|answer| matches!(answer, Ok(Marked::First))).count();
            assert_eq!(first, 0, "{milliseconds} ms over {places} connections");
        }
    }
}

/// The connections are in use, and no answer comes: only calls that were sent can have met an outage.
#[tokio::test(start_paused = true)]
async fn over_a_store_that_hangs_no_call_is_let_through_that_was_never_sent() {
    for places in [1, 2, 8] {
        let store = Small::new(places, None);
        let guard = open(&store).await;
        let (first, errors) = flood(&guard, 200).await;
        // Each of them was sent twice, before the connection was given up.
        assert!(first <= places && store.asked() <= 2 * places, "{first} of {} sent", store.asked());
        assert_eq!(errors, vec![GuardErrorKind::Overloaded; 200 - first]);
    }
}

/// Load can also cause a connection that is closed for its silence, and a slow attempt at the next one. Once that
/// attempt has failed, the store is down.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_made_is_no_outage_before_the_attempt_failed() {
    let store = Small::new(4, None);
    let guard = open(&store).await;
    let (first, _) = flood(&guard, 4).await;
    assert_eq!(first, 4, "a store that was asked did not answer");
    let (first, errors) = flood(&guard, 50).await;
    assert_eq!((first, errors), (0, vec![GuardErrorKind::Overloaded; 50]), "accepted without being sent");
    sleep(CONNECT_TIME).await;
    assert_eq!(guard.mark_used(&oauth_state::testing::sample_mark()).await.unwrap(), Marked::First);
}

fn at(seconds: u64) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + Duration::from_secs(seconds)
}
