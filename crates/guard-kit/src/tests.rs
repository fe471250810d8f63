//! The budget, the retry and the link, over a scripted store and tokio's paused clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::sleep;

use super::*;

const BUDGET: Duration = Duration::from_millis(300);

/// The store's next action.
#[derive(Clone, Copy, Debug)]
enum Does {
    First,
    Used,
    /// Replies that it did not store the mark.
    Refuses,
    Full,
    /// Breaks the connection.
    Breaks,
    /// Replies that another server is the primary now.
    TurnsAway,
    /// Never answers.
    Hangs,
}

#[derive(Clone, Default)]
struct Told {
    answers: Arc<Mutex<VecDeque<Does>>>,
    /// The outcomes of attempts to connect; without one they succeed at once.
    connecting: Arc<Mutex<VecDeque<Does>>>,
    asked: Arc<AtomicU32>,
    connected: Arc<AtomicU32>,
    busy: bool,
}

impl Store for Told {
    type Connection = u32;
    type Lease = u32;
    const NAME: &'static str = "told";

    async fn connect(&self) -> Result<u32, GuardError> {
        let number = self.connected.fetch_add(1, Ordering::SeqCst);
        let outcome = self.connecting.lock().unwrap().pop_front();
        match outcome {
            None | Some(Does::First) => Ok(number),
            Some(Does::Hangs) => std::future::pending().await,
            Some(Does::Breaks) => Err(GuardError::outcome_unknown("reset during the check of the server")),
            Some(_) => Err(GuardError::unavailable("connection refused")),
        }
    }

    async fn lease(&self, connection: u32) -> u32 {
        if self.busy {
            std::future::pending::<()>().await;
        }
        connection
    }
}

impl Call<Told> for Claim<'_> {
    type Answer = Marked;

    async fn ask(&self, told: &Told, _: u32) -> Result<Marked, Failure> {
        told.asked.fetch_add(1, Ordering::SeqCst);
        let next = told.answers.lock().unwrap().pop_front().expect("an answer for each question");
        match next {
            Does::First => Ok(Marked::First),
            Does::Used => Ok(Marked::AlreadyUsed { first_used_at: None, first_claimant: None }),
            Does::Refuses => Err(Failure::refused(GuardError::unavailable("try again"))),
            Does::Full => Err(Failure::refused(GuardError::because(GuardErrorKind::Full, "no room"))),
            Does::Breaks => Err(Failure::interrupted("connection reset")),
            Does::TurnsAway => Err(Failure::turned_away(GuardError::unavailable("read-only"))),
            Does::Hangs => std::future::pending().await,
        }
    }
}

fn told(answers: &[Does]) -> Told {
    let told = Told::default();
    told.answers.lock().unwrap().extend(answers);
    told
}

fn at(seconds: u64) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn mark_at(now: u64) -> Mark {
    oauth_state::testing::mark([1; 16], [1; 8], at(now), at(600))
}

async fn ask(link: &Link<Told>) -> Result<Marked, GuardErrorKind> {
    claim(link, &mark_at(0), BUDGET).await.map_err(|error| error.kind())
}

/// The answer of a fresh link, and the number of calls to the store.
async fn answer(answers: &[Does]) -> (Result<Marked, GuardErrorKind>, u32) {
    let store = told(answers);
    let link = Link::open(store.clone()).await.unwrap();
    (ask(&link).await, store.asked.load(Ordering::SeqCst))
}

const FIRST: Result<Marked, GuardErrorKind> = Ok(Marked::First);
const UNKNOWN: Result<Marked, GuardErrorKind> = Err(GuardErrorKind::OutcomeUnknown);
const UNAVAILABLE: Result<Marked, GuardErrorKind> = Err(GuardErrorKind::Unavailable);
const OVERLOADED: Result<Marked, GuardErrorKind> = Err(GuardErrorKind::Overloaded);

#[tokio::test(start_paused = true)]
async fn one_retry_and_no_more() {
    assert_eq!(answer(&[Does::First]).await, (FIRST, 1));
    assert_eq!(answer(&[Does::Breaks, Does::First]).await, (FIRST, 2));
    assert_eq!(answer(&[Does::Hangs, Does::First]).await, (FIRST, 2));
    assert_eq!(answer(&[Does::TurnsAway, Does::First]).await, (FIRST, 2));
    assert_eq!(answer(&[Does::Breaks, Does::Breaks, Does::First]).await, (UNKNOWN, 2));
    assert_eq!(answer(&[Does::Hangs, Does::Hangs, Does::First]).await, (UNKNOWN, 2));
    assert!(matches!(answer(&[Does::Breaks, Does::Used]).await, (Ok(Marked::AlreadyUsed { .. }), 2)));
}

/// The first attempt may have left its mark: no refusal of the retry may say that a reload will work.
#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_stays_unknown_whatever_the_retry_meets() {
    for second in [Does::Refuses, Does::Full, Does::TurnsAway] {
        assert_eq!(answer(&[Does::Breaks, second]).await, (UNKNOWN, 2), "{second:?}");
        assert_eq!(answer(&[Does::Hangs, second]).await, (UNKNOWN, 2), "{second:?}");
    }
    // The first attempt stored nothing, so nothing is unknown.
    assert_eq!(answer(&[Does::TurnsAway, Does::Refuses]).await, (UNAVAILABLE, 2));
}

#[tokio::test(start_paused = true)]
async fn a_plain_refusal_is_not_tried_again() {
    assert_eq!(answer(&[Does::Refuses]).await, (UNAVAILABLE, 1));
    assert_eq!(answer(&[Does::Full]).await, (Err(GuardErrorKind::Full), 1));
}

#[tokio::test(start_paused = true)]
async fn a_claim_ends_with_its_budget() {
    let link = Link::open(told(&[Does::Hangs, Does::Hangs])).await.unwrap();
    let start = Instant::now();
    assert_eq!(ask(&link).await, UNKNOWN);
    // By the test's clock, which only timers move, in whole milliseconds.
    assert!((300..=302).contains(&start.elapsed().as_millis()));
}

/// A claim that waits for a connection until its time is nearly over must not be sent.
#[tokio::test(start_paused = true)]
async fn a_claim_that_cannot_be_answered_in_time_is_not_sent() {
    let store = Told { busy: true, ..told(&[]) };
    let link = Link::open(store.clone()).await.unwrap();
    let start = Instant::now();
    assert_eq!(ask(&link).await, OVERLOADED);
    assert!((150..=152).contains(&start.elapsed().as_millis()));
    assert_eq!(store.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn an_expired_state_sends_no_call() {
    let store = told(&[]);
    let link = Link::open(store.clone()).await.unwrap();
    let error = claim(&link, &mark_at(780), BUDGET).await.unwrap_err();
    assert_eq!((error.kind(), store.asked.load(Ordering::SeqCst)), (GuardErrorKind::Unavailable, 0));
}

#[test]
fn without_a_runtime_it_says_so_and_does_not_panic() {
    let link = Link::lazy(told(&[]));
    let answer = oauth_state::testing::block_on(oauth_state::guard::MarkFuture::new(async move {
        claim(&link, &mark_at(0), BUDGET).await
    }));
    assert_eq!(answer.unwrap_err().kind(), GuardErrorKind::Misconfigured);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_claims_are_refused_at_once_and_it_is_tried_again_with_growing_pauses() {
    let store = told(&[Does::Breaks, Does::First]);
    let link = Link::open(store.clone()).await.unwrap();
    store.connecting.lock().unwrap().extend([Does::Breaks; 5]);
    assert_eq!(ask(&link).await, UNKNOWN);
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(ask(&link).await, UNAVAILABLE);
    }
    assert_eq!(start.elapsed().as_millis(), 0, "a claim waited for a store that is down");
    assert_eq!(store.connected.load(Ordering::SeqCst), 2, "claims made connections of their own");
    // 100, 200, 400, 800, 1,600 ms, each shortened by jitter to no less than half.
    sleep(Duration::from_millis(1_549)).await;
    assert!(store.connected.load(Ordering::SeqCst) < 7, "too many attempts to connect");
    sleep(Duration::from_millis(1_600)).await;
    assert_eq!(store.connected.load(Ordering::SeqCst), 7);
    assert_eq!(ask(&link).await, FIRST);
}

/// Callers wait for the first attempt to reconnect after the connection was lost.
#[tokio::test(start_paused = true)]
async fn a_short_break_is_waited_out() {
    let store = told(&[Does::First]);
    let link = Link::lazy(store.clone());
    assert_eq!(ask(&link).await, FIRST);
    store.answers.lock().unwrap().extend([Does::Breaks, Does::First, Does::First]);
    assert_eq!(ask(&link).await, FIRST);
    assert_eq!(store.connected.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_an_answer_for_a_whole_budget_is_given_up() {
    let store = told(&[Does::Hangs, Does::First, Does::Hangs, Does::Hangs, Does::First]);
    let link = Link::open(store.clone()).await.unwrap();
    assert_eq!((ask(&link).await, store.connected.load(Ordering::SeqCst)), (FIRST, 1));
    assert_eq!(ask(&link).await, UNKNOWN);
    assert_eq!((ask(&link).await, store.connected.load(Ordering::SeqCst)), (FIRST, 2));
}

/// A pause of the server shorter than the budget, which 64 callers meet: the connection must stay, because every one of them is answered.
#[tokio::test(start_paused = true)]
async fn a_pause_shorter_than_the_budget_ends_no_connection() {
    let store = told(&[[Does::Hangs; 64], [Does::First; 64]].concat());
    let link = Link::open(store.clone()).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let link = link.clone();
        callers.spawn(async move { ask(&link).await });
    }
    assert!(callers.join_all().await.into_iter().all(|answer| answer == FIRST));
    assert_eq!(store.connected.load(Ordering::SeqCst), 1, "the connection was dropped");
}

/// Calls that can only time out must not pile up: they cost the process what other calls need.
#[tokio::test(start_paused = true)]
async fn more_calls_than_can_be_answered_are_refused_at_once() {
    let store = Told { busy: true, ..told(&[]) };
    let link = Link::open(store).await.unwrap();
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let link = link.clone();
        callers.spawn(async move { (ask(&link).await, Instant::now()) });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|(answer, _)| *answer == OVERLOADED));
    let at_once = answers.iter().filter(|(_, at)| *at == start).count();
    assert_eq!(at_once, 2_000 - 1_024, "the others wait");
    // Their places are free again.
    assert!(link.enter().is_some());
}

/// Many calls report the same broken connection; the last report must not end its successor.
#[tokio::test(start_paused = true)]
async fn a_late_report_about_an_old_connection_ends_nothing() {
    let store = told(&[]);
    let link = Link::open(store.clone()).await.unwrap();
    let (_, old) = link.ready().unwrap().unwrap();
    link.broke(old);
    let deadline = Instant::now().checked_add(BUDGET).unwrap();
    let (_, new) = link.connection(deadline).await.unwrap();
    assert_ne!(old, new);
    link.broke(old);
    assert_eq!(link.ready().unwrap().unwrap().1, new);
    assert_eq!(store.connected.load(Ordering::SeqCst), 2);
}

/// An application with a new runtime for each request would otherwise wait for a task that no longer exists.
#[test]
fn a_runtime_that_ends_while_reconnecting_leaves_the_next_one_to_start_anew() {
    let store = told(&[Does::First]);
    store.connecting.lock().unwrap().push_back(Does::Hangs);
    let link = Link::lazy(store.clone());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    assert_eq!(runtime().block_on(ask(&link)), OVERLOADED);
    assert_eq!(runtime().block_on(ask(&link)), FIRST);
}

/// The same if the task never ran, because the claim ended right after starting it.
#[test]
fn a_runtime_that_ends_before_it_began_to_reconnect_leaves_the_next_one_to_start_anew() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let link = Link::lazy(told(&[Does::Breaks, Does::Breaks, Does::First]));
    assert_eq!(runtime().block_on(ask(&link)), UNKNOWN);
    let answer = runtime().block_on(async {
        // Two connections were useless: the next one follows after a pause.
        assert_eq!(ask(&link).await, UNAVAILABLE);
        sleep(Duration::from_secs(3)).await;
        ask(&link).await
    });
    assert_eq!(answer, FIRST);
}

/// A database whose commits hang still accepts connections; each new one would leave a stuck session behind.
#[tokio::test(start_paused = true)]
async fn a_store_that_answers_no_claim_is_not_given_connections_as_fast_as_claims_fail() {
    let store = told(&[Does::Breaks; 1_000]);
    let link = Link::open(store.clone()).await.unwrap();
    for _ in 0..1_000 {
        let _ = ask(&link).await;
        sleep(Duration::from_millis(10)).await;
    }
    let connected = store.connected.load(Ordering::SeqCst);
    // Ten seconds: two at once, then pauses of 0.2 to 2 seconds.
    assert!(connected <= 16, "{connected} connections in ten seconds");
    store.answers.lock().unwrap().clear();
    store.answers.lock().unwrap().extend([Does::First; 10]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(ask(&link).await, FIRST);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_dropped_stops_trying() {
    let store = told(&[Does::Breaks]);
    let link = Link::open(store.clone()).await.unwrap();
    store.connecting.lock().unwrap().extend([Does::Breaks; 1_000]);
    assert_eq!(ask(&link).await, UNKNOWN);
    drop(link);
    sleep(Duration::from_secs(3)).await;
    let attempts = store.connected.load(Ordering::SeqCst);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(store.connected.load(Ordering::SeqCst), attempts);
}

/// The last answer of a client that resends on its own does not tell what its first try wrote: a reload may not work.
#[test]
fn a_refusal_over_a_client_that_sends_again_is_an_unknown_outcome_and_worth_a_retry() {
    for refusal in [GuardError::unavailable("CLUSTERDOWN"), GuardError::because(GuardErrorKind::Full, "OOM")] {
        let failure = Failure::refused(refusal).after_silent_tries();
        assert!(failure.is_worth_a_retry());
        assert_eq!(failure.into_error().kind(), GuardErrorKind::OutcomeUnknown);
    }
}
