//! The suite that every replay guard must pass.

use std::fmt;
use std::future::poll_fn;
use std::hint::spin_loop;
use std::pin::Pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, SystemTime};

use super::samples::mark;
use crate::clock::{Clock as _, SystemClock};
use crate::guard::{GuardError, Mark, MarkFuture, Marked, ReplayGuard};
use crate::random;

/// The threads that race for each id.
const THREADS: usize = 16;
/// The ids that they race for. With 500, a guard that was broken on purpose passed in 5 of 8 runs.
const IDS: usize = 5_000;
/// How long a thread waits for others before it claims an id: a race with one thread shows nothing.
const SPINS: usize = 2_000;
const LIFETIME: Duration = Duration::from_secs(600);
const SKEW: Duration = Duration::from_secs(60);

/// The result for a guard that passed the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardReport {
    /// The ids that the threads raced for.
    pub ids: usize,
    /// The threads that raced for each.
    pub threads: usize,
    /// Claims that started while another claim of the same id was running.
    pub overlapping: usize,
}

/// A guard's error, such as "an id was first twice" for a guard that always answers [`Marked::First`].
#[derive(Debug)]
pub struct GuardFault(String);

impl fmt::Display for GuardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GuardFault {}

/// Runs the suite that every guard must pass: single use, recognition of its own retries, marks until after expiry, no loss by cancelling,
/// and a race of 16 threads for 5,000 ids with exactly one first use each.
///
/// `handle` returns another handle to the **same** store at each call, as another server would have, and `block_on` waits for an answer on
/// the runtime that the guard needs. The ids are random, so a store may be used again.
///
/// # Errors
///
/// [`GuardFault`] names the broken promise.
///
/// # Examples
///
/// ```
/// use oauth_state::{SingleProcessGuard, testing};
///
/// let guard = SingleProcessGuard::with_capacity(100_000);
/// let report = testing::guard_suite(|| guard.clone(), |answer| testing::block_on(answer))?;
/// assert_eq!((report.ids, report.threads), (5_000, 16));
/// # Ok::<(), testing::GuardFault>(())
/// ```
pub fn guard_suite<G: ReplayGuard>(
    handle: impl Fn() -> G,
    block_on: impl Fn(MarkFuture<'_>) -> Result<Marked, GuardError> + Sync,
) -> Result<GuardReport, GuardFault> {
    let suite = Suite { one: handle(), other: handle(), block_on, ids: Ids::draw()?, begun: SystemClock.now() };
    suite.used_once()?;
    suite.own_retry()?;
    suite.kept_until_after_expiry()?;
    suite.cancelled()?;
    suite.race()
}

struct Suite<G, B> {
    one: G,
    other: G,
    block_on: B,
    ids: Ids,
    /// The start of all states of this run. It is fixed, because the expiry that is sealed into a state never changes.
    begun: SystemTime,
}

/// Random ids that no other run has.
struct Ids([u8; 16]);

impl Ids {
    fn draw() -> Result<Self, GuardFault> {
        let mut bytes = [0; 16];
        random::operating_system(&mut bytes).map_err(|error| GuardFault(error.to_string()))?;
        Ok(Self(bytes))
    }

    /// The id with this number: each of its bytes differs from its neighbours'.
    fn get(&self, number: usize) -> [u8; 16] {
        let spread = (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (u128::from_be_bytes(self.0) ^ spread).to_be_bytes()
    }
}

impl<G: ReplayGuard, B: Fn(MarkFuture<'_>) -> Result<Marked, GuardError> + Sync> Suite<G, B> {
    fn ask(&self, guard: &G, mark: &Mark) -> Result<Marked, GuardFault> {
        (self.block_on)(guard.mark_used(mark)).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            GuardFault(format!("the guard answered with an error: {error}{cause}"))
        })
    }

    fn mark(&self, number: usize, claimant: u8, after: Duration) -> Mark {
        let at = |after: Duration| self.begun.checked_add(after).unwrap_or(self.begun);
        mark(self.ids.get(number), [claimant; 8], at(after), at(LIFETIME))
    }

    fn expect(&self, guard: &G, mark: &Mark, first: bool, fault: &str) -> Result<(), GuardFault> {
        match (self.ask(guard, mark)?, first) {
            (Marked::First, true) | (Marked::AlreadyUsed { .. }, false) => Ok(()),
            _ => Err(GuardFault(fault.to_owned())),
        }
    }

    fn used_once(&self) -> Result<(), GuardFault> {
        let mark = self.mark(0, 1, Duration::ZERO);
        self.expect(&self.one, &mark, true, "a new id was not first")?;
        for guard in [&self.one, &self.other] {
            match self.ask(guard, &self.mark(0, 2, Duration::ZERO))? {
                Marked::First => return Err(GuardFault("an id was first twice".to_owned())),
                Marked::AlreadyUsed { first_used_at: Some(at), .. } if at != mark.now() => {
                    return Err(GuardFault("the time of first use is not the first callback's".to_owned()));
                }
                Marked::AlreadyUsed { first_claimant: Some(first), .. } if first != *mark.claimant() => {
                    return Err(GuardFault("the claimant of the first use is not the first callback's".to_owned()));
                }
                Marked::AlreadyUsed { .. } => {}
            }
        }
        self.expect(&self.other, &self.mark(1, 2, Duration::ZERO), true, "a second id was not first")
    }

    fn own_retry(&self) -> Result<(), GuardFault> {
        let mark = self.mark(2, 1, Duration::ZERO);
        self.expect(&self.one, &mark, true, "a new id was not first")?;
        for guard in [&self.one, &self.other] {
            self.expect(guard, &mark, true, "a retry by the same claimant was told that the state had been used")?;
        }
        self.expect(&self.one, &self.mark(2, 9, Duration::ZERO), false, "after a retry, an id was first twice")
    }

    fn kept_until_after_expiry(&self) -> Result<(), GuardFault> {
        self.expect(&self.one, &self.mark(3, 1, Duration::ZERO), true, "a new id was not first")?;
        let second = Duration::from_secs(1);
        let end = LIFETIME.saturating_add(SKEW.saturating_mul(3));
        for after in
            [LIFETIME.saturating_sub(second), LIFETIME, LIFETIME.saturating_add(SKEW), end.saturating_sub(second)]
        {
            let late = self.mark(3, 2, after);
            // An error refuses as well, which is fine for an expired state.
            if (self.block_on)(self.other.mark_used(&late)).is_ok_and(|marked| marked == Marked::First) {
                return Err(GuardFault(format!("an id was first twice, {} s after its first use", after.as_secs())));
            }
        }
        Ok(())
    }

    /// A call that is dropped halfway may or may not have marked; its own retry must not get "used".
    fn cancelled(&self) -> Result<(), GuardFault> {
        let mark = self.mark(4, 1, Duration::ZERO);
        let cancelled = async {
            let mut call = self.one.mark_used(&mark);
            poll_fn(|context| {
                let _ = Pin::new(&mut call).poll(context);
                Poll::Ready(Ok(Marked::First))
            })
            .await
        };
        let _ = (self.block_on)(MarkFuture::new(cancelled));
        self.expect(
            &self.one,
            &mark,
            true,
            "after a cancelled call, its own retry was told that the state had been used",
        )?;
        self.expect(
            &self.other,
            &self.mark(4, 2, Duration::ZERO),
            false,
            "after a cancelled call, an id was first twice",
        )
    }

    fn race(&self) -> Result<GuardReport, GuardFault> {
        let start = Barrier::new(THREADS);
        let places: Vec<Place> = std::iter::repeat_with(Place::default).take(IDS).collect();
        thread::scope(|scope| {
            let racers: Vec<_> = (0..THREADS)
                .map(|racer| {
                    let (start, places) = (&start, &places);
                    scope.spawn(move || {
                        start.wait();
                        self.race_one(racer, places)
                    })
                })
                .collect();
            racers.into_iter().try_for_each(|racer| {
                racer.join().unwrap_or_else(|_| Err(GuardFault("the guard panicked in the race".to_owned())))
            })
        })?;
        let wrong = places.iter().filter(|place| place.firsts.load(Ordering::SeqCst) != 1).count();
        if wrong > 0 {
            return Err(GuardFault(format!(
                "in a race of {THREADS} threads, {wrong} of {IDS} ids were first twice or never"
            )));
        }
        let overlapping = places.iter().map(|place| place.overlaps.load(Ordering::SeqCst) as usize).sum();
        Ok(GuardReport { ids: IDS, threads: THREADS, overlapping })
    }

    fn race_one(&self, racer: usize, places: &[Place]) -> Result<(), GuardFault> {
        let guard = if racer % 2 == 0 { &self.one } else { &self.other };
        let claimant = u8::try_from(racer).unwrap_or_default();
        for (number, place) in places.iter().enumerate() {
            let mark = self.mark(number.saturating_add(100), claimant, Duration::ZERO);
            place.arrived.fetch_add(1, Ordering::SeqCst);
            (0..SPINS).take_while(|_| place.arrived.load(Ordering::SeqCst) < 2).for_each(|_| spin_loop());
            if place.begun.fetch_add(1, Ordering::SeqCst) > place.ended.load(Ordering::SeqCst) {
                place.overlaps.fetch_add(1, Ordering::SeqCst);
            }
            let marked = self.ask(guard, &mark)?;
            place.ended.fetch_add(1, Ordering::SeqCst);
            if marked == Marked::First {
                place.firsts.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

/// The events of one id.
#[derive(Default)]
struct Place {
    arrived: AtomicU32,
    begun: AtomicU32,
    ended: AtomicU32,
    overlaps: AtomicU32,
    firsts: AtomicU32,
}
