//! Building blocks for [`oauth_state`] replay guards over a store on the network: one time budget around every call, one retry by the
//! same claimant, a [`Link`] that gets its connection back, and a look at the server ([`Examined`]).
//!
//! A guard implements [`Store`] (how to connect, and how a call gets its turn) and [`Call`] for [`Claim`] (what is asked), and calls
//! [`claim`]. `oauth-state-redis` and `oauth-state-postgres` are made of it.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test may fail"))]

mod error;
mod examined;
mod flaw;
mod link;
#[cfg(feature = "rustls")]
mod tls;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use error::before_any_claim;
pub use examined::{Examined, ahead, replicas, with_cause};
pub use flaw::{Flaw, refuse};
pub use link::{CONNECT_TIME, Link, with_jitter};
#[cfg(feature = "rustls")]
pub use tls::choose_crypto_provider;

use oauth_state::guard::{GuardError, GuardErrorKind, Mark, Marked};

/// How long a call may take altogether, its retry included, unless the caller says otherwise.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(300);

/// A longer budget is a mistake: a person at a browser does not wait that long.
pub const LONGEST_BUDGET: Duration = Duration::from_secs(60);

/// Refuses a budget that cannot work.
///
/// # Errors
///
/// [`GuardErrorKind::Misconfigured`] for less than 1 ms and more than 60 s.
pub fn check_budget(budget: Duration) -> Result<(), GuardError> {
    if budget < Duration::from_millis(1) || budget > LONGEST_BUDGET {
        return Err(GuardError::misconfigured("a budget is between 1 ms and 60 s"));
    }
    Ok(())
}

/// A kind of store, and how to connect to it.
pub trait Store: Send + Sync + 'static {
    /// Shared by all callers.
    type Connection: Clone + Send + Sync + 'static;
    /// A connection for one call.
    type Lease: Send;

    /// What the store is called in logs.
    const NAME: &'static str;

    /// Connects, and looks whether the server can serve as a guard.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, GuardError>> + Send;

    /// Waits for a turn on the connection, for one call. Nothing is sent before that, and a call that has a turn is not held up on
    /// this side: time that runs out before is no sign of an outage, and time that runs out after it may be one.
    fn lease(&self, connection: Self::Connection) -> impl Future<Output = Self::Lease> + Send;
}

/// What a store is asked. Asked twice, it does no more than asked once: a call that got no answer is made again.
pub trait Call<S: Store>: Sync {
    /// What the store answers.
    type Answer: Send;

    /// Asks once.
    fn ask(&self, store: &S, lease: S::Lease) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// Claims the id of a mark. By the same claimant, so that a second time it recognises the mark that the first one left.
pub struct Claim<'m>(pub &'m Mark);

/// Why one attempt failed, and what that says of the connection.
#[derive(Debug)]
pub struct Failure {
    error: GuardError,
    connection: Health,
    /// Whether the store was asked at all.
    was_sent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// The server answered.
    Good,
    /// Time ran out.
    Silent,
    /// It is of no more use.
    Broken,
}

impl Failure {
    /// The server answered that it did not take the mark.
    #[must_use]
    pub fn refused(error: GuardError) -> Self {
        Self { error, connection: Health::Good, was_sent: true }
    }

    /// The server answered that it cannot take marks (any more); another connection may lead to one that does.
    #[must_use]
    pub fn turned_away(error: GuardError) -> Self {
        Self { error, connection: Health::Broken, was_sent: true }
    }

    /// The connection failed while the server was being asked.
    pub fn interrupted(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: GuardError::outcome_unknown(cause), connection: Health::Broken, was_sent: true }
    }

    /// The same over a client that sends again without asking: its last answer does not tell what an earlier try did.
    #[must_use]
    pub fn after_silent_tries(mut self) -> Self {
        if matches!(self.error.kind(), GuardErrorKind::Unavailable | GuardErrorKind::Overloaded | GuardErrorKind::Full)
        {
            self.error = GuardError::outcome_unknown(self.error);
        }
        self
    }

    /// The same, where other servers behind the connection may still answer.
    #[must_use]
    pub fn of_one_node(mut self) -> Self {
        if self.connection == Health::Broken {
            self.connection = Health::Silent;
        }
        self
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

    /// What the store was asked is not known, or it may be asked elsewhere.
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

/// Asks a store within the budget: once, and once more where the outcome is not known.
///
/// # Errors
///
/// As [`claim`].
pub async fn ask<S: Store, C: Call<S>>(link: &Link<S>, call: &C, budget: Duration) -> Result<C::Answer, GuardError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(GuardError::misconfigured("this guard has to be asked on a tokio runtime"));
    }
    let times = Times::within(budget);
    let first = match attempt(link, call, times).await {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    if !first.is_worth_a_retry() || Instant::now() >= times.send_by {
        return Err(first.error);
    }
    match attempt(link, call, Times { answer_by: times.end, half: times.send_by, ..times }).await {
        Ok(answer) => Ok(answer),
        // Nothing was sent, so that it says nothing of the store.
        Err(second) if !second.was_sent => Err(first.error),
        // Whatever happened to the retry: the first attempt may have left its mark.
        Err(second) if first.error.kind() == GuardErrorKind::OutcomeUnknown => {
            Err(error::after_unknown_outcome(second.error))
        }
        Err(second) => Err(second.error),
    }
}

/// The limits of one call.
#[derive(Clone, Copy)]
struct Times {
    /// The first attempt is given up then, so that there is time for another.
    answer_by: Instant,
    /// The middle of the budget: a call that has no turn on the connection by then is given up.
    half: Instant,
    /// Later, nothing is sent any more: there would be no time for an answer, and nobody would know the outcome.
    send_by: Instant,
    end: Instant,
}

/// The share of its budget that a call keeps for the answer.
const ANSWERING: f32 = 1.0 / 3.0;

impl Times {
    fn within(budget: Duration) -> Self {
        let start = Instant::now();
        let after = |share: f32| start.checked_add(budget.mul_f32(share)).unwrap_or(start);
        Self { answer_by: after(0.5), half: after(0.5), send_by: after(1.0 - ANSWERING), end: after(1.0) }
    }
}

/// One attempt. If a connection had to be waited for, the answer has time until the end.
async fn attempt<S: Store, C: Call<S>>(link: &Link<S>, call: &C, times: Times) -> Result<C::Answer, Failure> {
    let Times { mut answer_by, half, send_by, end } = times;
    let (lease, generation) = loop {
        // As a rule there is nothing to wait for, and neither a timer nor the clock is needed.
        let ready = link.ready();
        let (connection, generation) = match ready {
            Some(connection) => connection.map_err(Failure::not_sent)?,
            None => {
                answer_by = end;
                link.connection(send_by).await.map_err(Failure::not_sent)?
            }
        };
        let mut lease = pin!(link.store().lease(connection));
        match poll_fn(|context| Poll::Ready(lease.as_mut().poll(context))).await {
            Poll::Ready(lease) => break (lease, generation),
            Poll::Pending => {
                answer_by = end;
                let busy = |_| Failure::not_sent(GuardError::overloaded("all connections are busy"));
                // No later than half of the budget: a call that waited has as long for its answer as one that did not, or load alone
                // would make a store look down whose answers take longer than the rest.
                let lease = timeout_at(half.min(send_by), lease).await.map_err(busy)?;
                // The connection may have been given up meanwhile: what is sent over it would get no answer.
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
        Health::Silent => link.was_silent(generation),
        Health::Broken => link.broke(generation),
    }
    answer
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod overload_tests;
