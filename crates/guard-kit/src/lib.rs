//! Building blocks for [`oauth_state`] replay guards over a store on the network: a time budget for every call, one
//! retry by the same claimant, a [`Link`] that reconnects, and a check of the server ([`Examined`]).
//! `oauth-state-redis` and `oauth-state-postgres` are built from them. The repository has a guard over MariaDB to copy from
//! (`tests/pools/src/mariadb.rs`), with a check of the server and the meaning of each error.
//!
//! Each attempt ends in an answer or a [`Failure`], which says two things: what the claim's error is, and whether the connection is still
//! good.
//!
//! | the store | return |
//! |---|---|
//! | stored the mark | [`Marked::First`] |
//! | has one already | [`Mark::seen_after_insert`] with the stored value, or [`Mark::seen`] with the value from before an atomic exchange |
//! | replied that it did not store it: throttled, locked, full, a missing table | [`Failure::refused`] with [`GuardError::overloaded`], [`GuardError::full`] or [`GuardError::misconfigured`] |
//! | replied that it cannot store marks now, such as a replica | [`Failure::turned_away`] |
//! | did not reply, or lost the connection | [`Failure::interrupted`] |
//! | may have stored it in an earlier attempt of a client that retries on its own | any of these with [`Failure::after_silent_tries`] |
//!
//! A guard implements [`Store`] (how to connect, and how a call gets its turn) and [`Call`] for [`Claim`] (the
//! command), and calls [`claim`]:
//!
//! ```
//! use oauth_state::ReplayGuard;
//! use oauth_state::guard::{GuardError, Mark, MarkFuture, Marked};
//! use oauth_state_guard_kit::{Call, Claim, DEFAULT_BUDGET, Failure, Link, Store, claim};
//! # #[derive(Clone)]
//! # struct Client;
//! # impl Client {
//! #     async fn connect() -> Result<Self, std::io::Error> { Ok(Self) }
//! #     async fn set_if_absent(&self, _: &Mark) -> Result<bool, std::io::Error> { Ok(true) }
//! #     async fn get(&self, _: &[u8; 16]) -> Result<Option<String>, std::io::Error> { Ok(None) }
//! # }
//!
//! struct MyStore;
//!
//! impl Store for MyStore {
//!     type Connection = Client;
//!     type Lease = Client;
//!     const NAME: &'static str = "my store";
//!
//!     async fn connect(&self) -> Result<Client, GuardError> {
//!         Client::connect().await.map_err(GuardError::unavailable)
//!     }
//!
//!     async fn lease(&self, client: Client) -> Client {
//!         client // wait here if the client limits concurrent calls
//!     }
//! }
//!
//! impl Call<MyStore> for Claim<'_> {
//!     type Answer = Marked;
//!
//!     async fn ask(&self, _: &MyStore, client: Client) -> Result<Marked, Failure> {
//!         let Claim(mark) = self;
//!         if client.set_if_absent(mark).await.map_err(Failure::interrupted)? {
//!             return Ok(Marked::First);
//!         }
//!         let stored = client.get(mark.id()).await.map_err(Failure::interrupted)?;
//!         mark.seen_after_insert(stored.as_deref().map(str::as_bytes)).map_err(Failure::refused)
//!     }
//! }
//!
//! struct MyGuard(Link<MyStore>);
//!
//! impl ReplayGuard for MyGuard {
//!     fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
//!         MarkFuture::new(claim(&self.0, mark, DEFAULT_BUDGET))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let guard = MyGuard(Link::open(MyStore).await?);
//! assert_eq!(guard.mark_used(&oauth_state::testing::sample_mark()).await?, Marked::First);
//! # Ok::<(), GuardError>(())
//! # }).unwrap();
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may fail"))]

mod credentials;
mod error;
mod examined;
mod flaw;
mod link;
mod refusals;
#[cfg(feature = "rustls")]
mod tls;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use credentials::{CredentialSource, Credentials};
pub use error::before_any_claim;
pub use examined::{Examined, ahead, replicas, with_cause};
pub use flaw::{Flaw, clock_apart, is_this_machine, not_encrypted, refuse};
pub use link::{CONNECT_TIME, Link, with_jitter};
pub use refusals::Refusals;
#[cfg(feature = "rustls")]
pub use tls::{certificates_in, choose_crypto_provider, private_key_in, tls_fault};

use oauth_state::guard::{GuardError, GuardErrorKind, Mark, Marked};

/// How long a call may last by default, including its retry.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(300);

/// The longest budget. No user waits longer than this.
pub const LONGEST_BUDGET: Duration = Duration::from_secs(60);

/// Refuses a budget that cannot work.
///
/// # Errors
///
/// [`GuardErrorKind::Misconfigured`] for less than 1 ms or more than 60 s.
pub fn check_budget(budget: Duration) -> Result<(), GuardError> {
    if budget < Duration::from_millis(1) || budget > LONGEST_BUDGET {
        return Err(GuardError::misconfigured("the budget must be between 1 ms and 60 s"));
    }
    Ok(())
}

/// A kind of store, and how to connect to it.
pub trait Store: Send + Sync + 'static {
    /// Shared by all callers.
    type Connection: Clone + Send + Sync + 'static;
    /// A connection for one call.
    type Lease: Send;

    /// The store's name in logs.
    const NAME: &'static str;

    /// Connects, and checks that the server can serve as a guard.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, GuardError>> + Send;

    /// Called when a connection was made, and when an attempt to make one failed: for a metric that shows an outage, and its
    /// end before the next call. It does nothing by default.
    fn is_up(&self, up: bool) {
        let _ = up;
    }

    /// Waits for a turn on the connection, for one call. Nothing is sent before that, and this side does not delay a
    /// call that has its turn. So a timeout before the turn is no sign of an outage, but a timeout after it may be one.
    fn lease(&self, connection: Self::Connection) -> impl Future<Output = Self::Lease> + Send;
}

/// A call to a store. It must be idempotent, because a call without an answer is repeated.
pub trait Call<S: Store>: Sync {
    /// The store's answer.
    type Answer: Send;

    /// Makes one attempt.
    fn ask(&self, store: &S, lease: S::Lease) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// Claims the id of a mark. Both attempts have the same claimant, so the second recognizes the mark of the first.
pub struct Claim<'m>(pub &'m Mark);

/// Why one attempt failed, and what the failure says about the connection.
#[derive(Debug)]
pub struct Failure {
    error: GuardError,
    connection: Health,
    /// Whether the call was sent to the store.
    was_sent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// The server answered.
    Good,
    /// Time ran out.
    Silent,
    /// The connection is unusable.
    Broken,
}

impl Failure {
    /// The server replied that it did not store the mark.
    #[must_use]
    pub fn refused(error: GuardError) -> Self {
        Self { error, connection: Health::Good, was_sent: true }
    }

    /// The server replied that it cannot store marks, or no longer. A new connection may reach one that can.
    #[must_use]
    pub fn turned_away(error: GuardError) -> Self {
        Self { error, connection: Health::Broken, was_sent: true }
    }

    /// The connection failed during the call.
    pub fn interrupted(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: GuardError::outcome_unknown(cause), connection: Health::Broken, was_sent: true }
    }

    /// The same for a client that retries on its own: its last reply does not tell what an earlier attempt did.
    #[must_use]
    pub fn after_silent_tries(mut self) -> Self {
        if matches!(self.error.kind(), GuardErrorKind::Unavailable | GuardErrorKind::Overloaded | GuardErrorKind::Full)
        {
            self.error = GuardError::outcome_unknown(self.error);
        }
        self
    }

    /// The same, if other servers of the connection can still answer.
    #[must_use]
    pub fn of_one_node(mut self) -> Self {
        if self.connection == Health::Broken {
            self.connection = Health::Silent;
        }
        self
    }

    /// The error.
    #[must_use]
    pub fn error(&self) -> &GuardError {
        &self.error
    }

    /// The error alone.
    #[must_use]
    pub fn into_error(self) -> GuardError {
        self.error
    }

    fn silent() -> Self {
        let error = GuardError::outcome_unknown("no answer within the time budget");
        Self { error, connection: Health::Silent, was_sent: true }
    }

    fn not_sent(error: GuardError) -> Self {
        Self { error, connection: Health::Good, was_sent: false }
    }

    /// Whether the outcome is unknown, or another server may answer.
    fn is_worth_a_retry(&self) -> bool {
        self.connection != Health::Good || self.error.kind() == GuardErrorKind::OutcomeUnknown
    }
}

/// Claims an id within the budget.
///
/// # Errors
///
/// [`GuardError`] of the store, or `Overloaded` if the call did not get its turn in time.
pub async fn claim<S: Store>(link: &Link<S>, mark: &Mark, budget: Duration) -> Result<Marked, GuardError>
where
    for<'m> Claim<'m>: Call<S, Answer = Marked>,
{
    mark.refuse_if_over()?;
    ask(link, &Claim(mark), budget).await
}

/// Calls a store within the budget: once, and once more if the outcome is unknown.
///
/// # Errors
///
/// As [`claim`].
pub async fn ask<S: Store, C: Call<S>>(link: &Link<S>, call: &C, budget: Duration) -> Result<C::Answer, GuardError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(GuardError::misconfigured("this guard must be called on a tokio runtime"));
    }
    let answer = match link.enter() {
        Some(_place) => ask_twice(link, call, budget).await,
        None => Err(GuardError::overloaded("too many calls wait for the store")),
    };
    if let Err(error) = &answer {
        link.refused(error);
    }
    answer
}

async fn ask_twice<S: Store, C: Call<S>>(link: &Link<S>, call: &C, budget: Duration) -> Result<C::Answer, GuardError> {
    let times = Times::within(budget);
    let first = match attempt(link, call, times).await {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    if !first.is_worth_a_retry() || Instant::now() >= times.send_by {
        return Err(first.error);
    }
    let again = Times { start: Instant::now(), is_retry: true, answer_by: times.end, half: times.send_by, ..times };
    match attempt(link, call, again).await {
        Ok(answer) => Ok(answer),
        // The retry was not sent, so it says nothing about the store.
        Err(second) if !second.was_sent => Err(first.error),
        // Whatever the retry returned, the first attempt may have left its mark.
        Err(second) if first.error.kind() == GuardErrorKind::OutcomeUnknown => {
            Err(error::after_unknown_outcome(second.error))
        }
        Err(second) => Err(second.error),
    }
}

/// The limits of one call.
#[derive(Clone, Copy)]
struct Times {
    budget: Duration,
    /// When the attempt starts.
    start: Instant,
    is_retry: bool,
    /// The end of the first attempt, early enough for another.
    answer_by: Instant,
    /// The middle of the budget: a call without a turn on the connection by then fails.
    half: Instant,
    /// Nothing is sent after this time: no answer could arrive, and the outcome would be unknown.
    send_by: Instant,
    end: Instant,
}

/// The share of its budget that a call reserves for the answer.
const ANSWERING: f32 = 1.0 / 3.0;

impl Times {
    fn within(budget: Duration) -> Self {
        let start = Instant::now();
        let after = |share: f32| start.checked_add(budget.mul_f32(share)).unwrap_or(start);
        Self {
            budget,
            start,
            is_retry: false,
            answer_by: after(0.5),
            half: after(0.5),
            send_by: after(1.0 - ANSWERING),
            end: after(1.0),
        }
    }
}

/// One attempt. If it had to wait for a connection, the answer may take until the end.
async fn attempt<S: Store, C: Call<S>>(link: &Link<S>, call: &C, times: Times) -> Result<C::Answer, Failure> {
    let Times { budget, start: mut sent, is_retry, mut answer_by, half, send_by, end } = times;
    let (lease, generation) = loop {
        // Usually there is nothing to wait for, so neither a timer nor the clock is needed.
        let ready = link.ready();
        let (connection, generation) = match ready {
            Some(connection) => connection.map_err(Failure::not_sent)?,
            None => {
                answer_by = end;
                let connection = link.connection(send_by).await.map_err(Failure::not_sent)?;
                sent = Instant::now();
                connection
            }
        };
        let mut lease = pin!(link.store().lease(connection));
        match poll_fn(|context| Poll::Ready(lease.as_mut().poll(context))).await {
            Poll::Ready(lease) => break (lease, generation),
            Poll::Pending => {
                answer_by = end;
                let busy = |_| Failure::not_sent(GuardError::overloaded("all connections are busy"));
                // At the latest in the middle of the budget, so that a call that waited has as long for its answer as
                // one that did not. Otherwise load alone would make a slow store look down.
                let lease = timeout_at(half.min(send_by), lease).await.map_err(busy)?;
                sent = Instant::now();
                // Calls before it got no answer: retries find out whether that is over, so that a flood sends no more than fits at once.
                if !is_retry && link.is_silent() {
                    return Err(Failure::not_sent(GuardError::overloaded(
                        "the store does not answer the calls before this one",
                    )));
                }
                // The connection may have been closed meanwhile: anything sent over it would get no answer.
                if link.is_current(generation) {
                    break (lease, generation);
                }
            }
        }
    };
    let answer = timeout_at(answer_by, call.ask(link.store(), lease)).await;
    let answer = answer.unwrap_or_else(|_| Err(Failure::silent()));
    match answer.as_ref().map_or_else(|failure| failure.connection, |_| Health::Good) {
        Health::Good => link.answered(),
        Health::Silent => link.was_silent(generation, sent, budget),
        Health::Broken => link.broke(generation),
    }
    answer
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod overload_tests;
