//! A connection that reconnects in the background. All callers share it, and calls fail fast while the store is down.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{DEFAULT_BUDGET, Store};
use crate::error;
use crate::refusals::Refusals;
use oauth_state::guard::GuardError;
use rand::TryRng;
use rand::rngs::SysRng;

/// How long one attempt to connect may last, including the check of the server.
pub const CONNECT_TIME: Duration = Duration::from_secs(2);
/// The pause after a failed attempt to connect; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Calls in progress, including those that wait for a turn. More would wait longer than they may: each one that times out has cost the
/// process as much as one that is answered, so that a flood would leave time for neither.
const MOST_CALLS: usize = 1_024;

/// The connection to a store.
///
/// ```text
/// Up ──(broken, or silent for a budget)──► Lost ──► Connecting ──(failed)──► Down ──(pauses, tries again)──► Up
///                                                  callers wait             callers are refused at once
/// ```
pub struct Link<S: Store> {
    shared: Arc<Shared<S>>,
}

struct Shared<S: Store> {
    store: S,
    state: watch::Sender<State<S::Connection>>,
    /// Counts connections, so that a late report about an old one does not end its successor.
    generations: AtomicU64,
    /// Since when no call was answered, in milliseconds after `made`; 0 if the last one was.
    silent_since: AtomicU64,
    made: Instant,
    calls: AtomicUsize,
    refusals: Refusals,
    cannot_connect: Refusals,
    /// Connections in a row that answered no claim.
    fruitless: AtomicU32,
}

enum State<C> {
    Up {
        connection: C,
        generation: u64,
    },
    /// There is no connection, and none is being made.
    Lost,
    /// The first attempt to reconnect is in progress: it may finish within a caller's budget.
    Connecting,
    /// An attempt failed, for this reason. Retries run in the background.
    Down(Arc<GuardError>),
}

impl<S: Store> Clone for Link<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S: Store> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self.shared.state.borrow() {
            State::Up { .. } => "up",
            State::Lost => "lost",
            State::Connecting => "connecting",
            State::Down(_) => "down",
        })
    }
}

impl<S: Store> Link<S> {
    /// A link that connects when it is first used.
    pub fn lazy(store: S) -> Self {
        let shared = Shared {
            store,
            state: watch::Sender::new(State::Lost),
            generations: AtomicU64::new(0),
            silent_since: AtomicU64::new(0),
            made: Instant::now(),
            calls: AtomicUsize::new(0),
            refusals: Refusals::new(S::NAME, "callbacks are refused"),
            cannot_connect: Refusals::new(S::NAME, "cannot connect; callbacks are refused"),
            fruitless: AtomicU32::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A connected link.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the store cannot be reached, or cannot serve as a guard.
    pub async fn open(store: S) -> Result<Self, GuardError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(GuardError::misconfigured("this guard must be connected on a tokio runtime"));
        }
        let link = Self::lazy(store);
        link.shared.connect().await?;
        Ok(link)
    }

    /// The store behind it.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Up { .. })
    }

    /// The connection and its number, or an error while the store is known to be down; `None` if neither is known.
    pub(crate) fn ready(&self) -> Option<Result<(S::Connection, u64), GuardError>> {
        self.shared.settled()
    }

    /// The same, but waits for a connection that is being made for the first time.
    pub(crate) async fn connection(&self, deadline: Instant) -> Result<(S::Connection, u64), GuardError> {
        let mut changes = self.shared.state.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(answer) = self.shared.settled() {
                return answer;
            }
            self.shared.start_reconnecting();
            if timeout_at(deadline, changes.changed()).await.is_err() {
                // No sign yet that the store is down: that needs a failed attempt to connect.
                return Err(GuardError::overloaded("no connection within the time budget"));
            }
        }
    }

    /// A place among the calls in progress, unless there are too many. It is returned on drop.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        let place = Place(&self.shared.calls);
        (place.0.fetch_add(1, Ordering::Relaxed) < MOST_CALLS).then_some(place)
    }

    /// A call was refused.
    pub(crate) fn refused(&self, error: &GuardError) {
        self.shared.refusals.note(error);
    }

    /// A call was answered.
    pub(crate) fn answered(&self) {
        // Read first, because every call on every thread passes here.
        if self.shared.silent_since.load(Ordering::Relaxed) != 0 {
            self.shared.silent_since.store(0, Ordering::Relaxed);
        }
        if self.shared.fruitless.load(Ordering::Relaxed) != 0 {
            self.shared.fruitless.store(0, Ordering::Relaxed);
        }
    }

    /// Whether a call got no answer in time, and none got one since.
    pub(crate) fn is_silent(&self) -> bool {
        self.shared.silent_since.load(Ordering::Relaxed) != 0
    }

    /// Whether calls are now sent over the connection of this number.
    pub(crate) fn is_current(&self, generation: u64) -> bool {
        matches!(&*self.shared.state.borrow(), State::Up { generation: current, .. } if *current == generation)
    }

    /// A call that was sent at this time got no answer. The connection, which all callers share, is closed once none of them has had an
    /// answer for a whole budget (300 ms at least): a shorter pause, however many calls it meets, is no reason.
    pub(crate) fn was_silent(&self, generation: u64, sent: Instant, budget: Duration) {
        // A call on an old connection says nothing about its successor.
        if !self.is_current(generation) {
            return;
        }
        let after = |at: Instant| u64::try_from(at.duration_since(self.shared.made).as_millis()).unwrap_or(u64::MAX);
        let sent = after(sent).max(1);
        let silent_since = &self.shared.silent_since;
        let since = match silent_since.compare_exchange(0, sent, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => sent,
            Err(since) => since,
        };
        let silence = Duration::from_millis(after(Instant::now()).saturating_sub(since));
        if silence >= budget.max(DEFAULT_BUDGET) {
            self.broke(generation);
        }
    }

    /// The connection of this number is unusable. Reconnecting starts now and does not wait for the next caller.
    pub(crate) fn broke(&self, generation: u64) {
        let lost = self.shared.state.send_if_modified(|state| {
            let is_it = matches!(state, State::Up { generation: current, .. } if *current == generation);
            if is_it {
                *state = State::Lost;
            }
            is_it
        });
        if lost {
            tracing::warn!(store = S::NAME, "the connection to the replay guard's store is lost");
            self.shared.start_reconnecting();
        }
    }
}

impl<S: Store> Shared<S> {
    /// `None` until the attempt to connect has ended.
    fn settled(&self) -> Option<Result<(S::Connection, u64), GuardError>> {
        match &*self.state.borrow() {
            State::Up { connection, generation } => Some(Ok((connection.clone(), *generation))),
            State::Down(error) => Some(Err(error::again(error))),
            State::Lost | State::Connecting => None,
        }
    }

    async fn connect(&self) -> Result<(), GuardError> {
        let connected = timeout(CONNECT_TIME, self.store.connect()).await;
        let connected =
            connected.unwrap_or_else(|_| Err(GuardError::unavailable("the store did not answer while connecting")));
        let connection = connected.map_err(error::before_any_claim)?;
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        self.silent_since.store(0, Ordering::Relaxed);
        self.fruitless.fetch_add(1, Ordering::Relaxed);
        self.state.send_replace(State::Up { connection, generation });
        self.store.is_up(true);
        Ok(())
    }

    /// Starts the one task that reconnects, unless it is running.
    fn start_reconnecting(self: &Arc<Self>) {
        let starts = self.state.send_if_modified(|state| {
            let lost = matches!(state, State::Lost);
            if lost {
                *state = State::Connecting;
            }
            lost
        });
        if starts {
            // Created here and not in the task: a task that is dropped before it ran still drops its arguments.
            tokio::spawn(reconnect(Unfinished(Some(Arc::downgrade(self)))));
        }
    }
}

/// Retries until there is a connection again, or no caller holds the link any more.
async fn reconnect<S: Store>(mut unfinished: Unfinished<S>) {
    let Some(shared) = unfinished.0.clone() else { return };
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0_u32;
    // If a store accepts connections but answers no claim, pause before the next connection.
    let fruitless = shared.upgrade().map_or(0, |shared| shared.fruitless.load(Ordering::Relaxed));
    if fruitless > 1 {
        if let Some(shared) = shared.upgrade() {
            let error = GuardError::unavailable("the store accepts connections but answers no claim");
            shared.state.send_replace(State::Down(Arc::new(error)));
        }
        pause = FIRST_PAUSE.saturating_mul(1 << fruitless.min(6)).min(LONGEST_PAUSE);
        sleep(with_jitter(pause)).await;
    }
    while let Some(shared) = shared.upgrade() {
        attempts = attempts.saturating_add(1);
        match shared.connect().await {
            Ok(()) => {
                unfinished.0 = None;
                tracing::info!(store = S::NAME, attempts, "connected to the replay guard's store");
                return;
            }
            Err(error) => {
                shared.store.is_up(false);
                shared.cannot_connect.note(&error);
                shared.state.send_replace(State::Down(Arc::new(error)));
            }
        }
        drop(shared);
        sleep(with_jitter(pause)).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// A place among the calls in progress.
pub(crate) struct Place<'l>(&'l AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Resets the state if the reconnecting task is dropped with its runtime, so that another caller starts one.
struct Unfinished<S: Store>(Option<Weak<Shared<S>>>);

impl<S: Store> Drop for Unfinished<S> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take().and_then(|shared| shared.upgrade()) {
            shared.state.send_replace(State::Lost);
        }
    }
}

/// Between half of the pause and all of it, so that servers do not reconnect in step.
#[must_use]
pub fn with_jitter(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness, use the whole pause.
    let share = SysRng.try_fill_bytes(&mut byte).map_or(255, |()| byte[0]);
    pause.mul_f32(f32::from(share).mul_add(0.5 / 255.0, 0.5))
}
