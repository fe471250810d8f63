//! Many callers at once, each an honest login and its replays, and a count of the violations.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use oauth_state::guard::{GuardError, GuardErrorKind, Mark, Marked};
use oauth_state::{ReplayGuard, testing};
use support::ensure;
use support::servers::Failure;
use tokio::task::JoinSet;

pub const CALLERS: usize = 64;
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a caller retries after an error. A user gives up sooner.
const PATIENCE: Duration = Duration::from_secs(30);

pub type Guard = Arc<dyn ReplayGuard>;

/// An id that is used only once.
pub fn fresh_id() -> [u8; 16] {
    let mut id = [0; 16];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut id).unwrap();
    id
}

pub fn mark_of(id: [u8; 16], claimant: u8) -> Mark {
    let now = SystemTime::now();
    testing::mark(id, [claimant; 8], now, now + LIFETIME)
}

/// The same state, presented by another claimant.
pub fn replay_of(mark: &Mark, claimant: u8) -> Mark {
    testing::mark(*mark.id(), [claimant; 8], SystemTime::now(), mark.expires_at())
}

/// Marks this many new ids; each must be first.
pub async fn mark_new(guard: &Guard, count: usize) -> Result<Vec<Mark>, Failure> {
    let mut marks = Vec::new();
    for _ in 0..count {
        let mark = mark_of(fresh_id(), 1);
        let marked = guard.mark_used(&mark).await.map_err(|error| cause(&error))?;
        ensure!(marked == Marked::First, "a new id was {marked:?}");
        marks.push(mark);
    }
    Ok(marks)
}

/// How many of these ids are first again, for another claimant.
pub async fn first_again(guard: &Guard, marks: &[Mark]) -> Result<usize, Failure> {
    let mut again = 0;
    for mark in marks {
        again +=
            usize::from(guard.mark_used(&replay_of(mark, 9)).await.map_err(|error| cause(&error))? == Marked::First);
    }
    Ok(again)
}

/// An error and its causes on one line.
pub fn cause(error: &GuardError) -> String {
    let mut line = error.to_string();
    let mut deeper = std::error::Error::source(error);
    while let Some(error) = deeper {
        line.push_str(&format!(": {error}"));
        deeper = error.source();
    }
    line
}

/// The history of one id.
pub struct Login {
    mark: Mark,
    /// When a claimant was told that it was first, since the storm started.
    first_at: Vec<Duration>,
}

#[derive(Default)]
struct Tally {
    errors: BTreeMap<&'static str, usize>,
    own_retry_refused: usize,
    nobody_first: usize,
    gave_up: usize,
    retries_recognised: usize,
    slowest: Duration,
}

impl Tally {
    fn note(&mut self, took: Duration, answer: &Result<Marked, GuardError>, failed_before: bool) {
        self.slowest = self.slowest.max(took);
        match answer {
            Ok(marked) => self.retries_recognised += usize::from(failed_before && *marked == Marked::First),
            Err(error) => *self.errors.entry(name(error.kind())).or_default() += 1,
        }
    }
}

/// Callers that claim new ids until they are told to stop.
pub struct Storm {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Vec<Login>>,
    tally: Arc<Mutex<Tally>>,
    calls: Arc<AtomicU64>,
    begun: Instant,
}

/// The results of a storm.
pub struct Aftermath {
    pub logins: Vec<Login>,
    tally: Tally,
}

impl Storm {
    /// Starts callers on these guards, which represent servers.
    pub fn start(guards: &[Guard]) -> Self {
        let mut storm = Self {
            stop: Arc::default(),
            callers: JoinSet::new(),
            tally: Arc::default(),
            calls: Arc::default(),
            begun: Instant::now(),
        };
        for number in 0..CALLERS {
            let caller = Caller {
                one: guards[number % guards.len()].clone(),
                other: guards[(number + 1) % guards.len()].clone(),
                tally: Arc::clone(&storm.tally),
                calls: Arc::clone(&storm.calls),
                begun: storm.begun,
            };
            let stop = Arc::clone(&storm.stop);
            storm.callers.spawn(async move {
                let mut logins = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    logins.push(caller.login(logins.len() % 2 == 0).await);
                }
                logins
            });
        }
        storm
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Calls answered so far, including errors.
    pub fn answered(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Lets the storm run for this long.
    pub async fn blow(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    /// Ends it once every caller has its last answer.
    pub async fn end(mut self) -> Aftermath {
        self.stop.store(true, Ordering::Relaxed);
        let mut logins = Vec::new();
        while let Some(done) = self.callers.join_next().await {
            logins.extend(done.expect("a caller that does not panic"));
        }
        let tally = std::mem::take(&mut *self.tally.lock().unwrap());
        Aftermath { logins, tally }
    }
}

struct Caller {
    one: Guard,
    other: Guard,
    tally: Arc<Mutex<Tally>>,
    calls: Arc<AtomicU64>,
    begun: Instant,
}

impl Caller {
    /// One login and its replay: the replay comes either after the login's answer, or at the same time.
    async fn login(&self, in_turn: bool) -> Login {
        let mark = mark_of(fresh_id(), 1);
        let replay = replay_of(&mark, 2);
        let (own, replayed) = if in_turn {
            let own = self.ask(&self.one, &mark).await;
            // No other claimant knows the id yet: whatever errors came before, it belongs to this one.
            if matches!(own, Some((false, _))) {
                self.tally.lock().unwrap().own_retry_refused += 1;
            }
            (own, self.ask(&self.other, &replay).await)
        } else {
            tokio::join!(self.ask(&self.one, &mark), self.ask(&self.other, &replay))
        };
        // Both have an answer, and one of them must be the first.
        if matches!((own, replayed), (Some((false, _)), Some((false, _)))) {
            self.tally.lock().unwrap().nobody_first += 1;
        }
        let first_at = [own, replayed].into_iter().flatten().filter(|(first, _)| *first).map(|(_, at)| at).collect();
        Login { mark, first_at }
    }

    /// Asks until there is an answer: whether this claimant was first, and when it was told.
    async fn ask(&self, guard: &Guard, mark: &Mark) -> Option<(bool, Duration)> {
        let start = Instant::now();
        let mut failed = false;
        while start.elapsed() < PATIENCE {
            let asked = Instant::now();
            let answer = guard.mark_used(mark).await;
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.tally.lock().unwrap().note(asked.elapsed(), &answer, failed);
            match answer {
                Ok(marked) => return Some((marked == Marked::First, self.begun.elapsed())),
                Err(_) => failed = true,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.tally.lock().unwrap().gave_up += 1;
        None
    }
}

/// Asks until a busy store answers, always as the same claimant. A slow disk must not fail the count.
async fn when_free(guard: &Guard, mark: &Mark) -> Result<Marked, GuardError> {
    let start = Instant::now();
    loop {
        match guard.mark_used(mark).await {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer,
        }
    }
}

fn is_busy(error: &GuardError) -> bool {
    matches!(error.kind(), GuardErrorKind::Overloaded | GuardErrorKind::OutcomeUnknown)
}

fn name(kind: GuardErrorKind) -> &'static str {
    match kind {
        GuardErrorKind::Unavailable => "unavailable",
        GuardErrorKind::Overloaded => "overloaded",
        GuardErrorKind::OutcomeUnknown => "unknown",
        GuardErrorKind::Full => "full",
        GuardErrorKind::Misconfigured => "misconfigured",
        _ => "another kind",
    }
}

impl Aftermath {
    /// Presents every state once more, and counts the ids that were first twice; returns the times of their first uses.
    pub async fn twice(&self, guard: &Guard) -> Result<Vec<Duration>, Failure> {
        let mut twice = Vec::new();
        let mut asked = JoinSet::new();
        for (number, login) in self.logins.iter().enumerate() {
            let (guard, replay) = (guard.clone(), replay_of(&login.mark, 3));
            asked.spawn(async move { (number, when_free(&guard, &replay).await) });
            if asked.len() >= CALLERS {
                self.count(asked.join_next().await.expect("one of them")?, &mut twice)?;
            }
        }
        while let Some(answer) = asked.join_next().await {
            self.count(answer?, &mut twice)?;
        }
        Ok(twice)
    }

    fn count(
        &self,
        (number, answer): (usize, Result<Marked, GuardError>),
        twice: &mut Vec<Duration>,
    ) -> Result<(), Failure> {
        let again = answer.map_err(|error| cause(&error))? == Marked::First;
        let first_at = &self.logins[number].first_at;
        if first_at.len() + usize::from(again) > 1 {
            twice.push(first_at[0]);
        }
        Ok(())
    }

    /// The invariant: nothing twice, and no honest caller refused. Returns the line for the report.
    pub async fn held(&self, guard: &Guard) -> Result<String, Failure> {
        let twice = self.twice(guard).await?.len();
        ensure!(twice == 0, "{twice} of {} ids were first twice; {self}", self.logins.len());
        self.no_honest_caller_was_refused()?;
        Ok(format!("0 twice, {self}"))
    }

    pub fn no_honest_caller_was_refused(&self) -> Result<(), Failure> {
        let Tally { own_retry_refused, gave_up, nobody_first, .. } = self.tally;
        ensure!(nobody_first == 0, "{nobody_first} logins whose two claimants were both told that another was first");
        ensure!(
            own_retry_refused == 0,
            "{own_retry_refused} honest callers were told that their own mark was another's"
        );
        ensure!(gave_up == 0, "{gave_up} callers never got an answer");
        ensure!(self.logins.len() > CALLERS, "only {} logins: that shows nothing", self.logins.len());
        Ok(())
    }

    pub fn errors(&self) -> usize {
        self.tally.errors.values().sum()
    }
}

impl fmt::Display for Aftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.tally.errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let errors = if errors.is_empty() { "no error".to_owned() } else { errors.join(", ") };
        let Tally { retries_recognised, slowest, .. } = &self.tally;
        write!(
            f,
            "{} ids; {errors}; {retries_recognised} retries recognised; slowest call {} ms",
            self.logins.len(),
            slowest.as_millis()
        )
    }
}
