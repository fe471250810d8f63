//! The suite that every source of key rings must pass.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::clock::{Clock as _, SystemClock};
use crate::future::{BoxError, BoxFuture};
use crate::ring::key::{KeyRole, RootKeyId};
use crate::ring::live::{LiveKeyRing, Refresh, Refresher, Update};
use crate::ring::source::document::{KeyRingDocument, RingTiming};
use crate::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind, WritableSource};
use crate::secret::SecretString;

/// Something that happens to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceTrouble {
    /// The secret is gone.
    Deleted,
    /// The service's identity may not read it.
    Denied,
    /// Nothing answers, or only that it cannot answer now.
    Unavailable,
}

/// What the suite does to a source behind its back. See [`source_suite`] for an example.
pub trait SourceStage: Sync {
    /// Puts this text where the source reads it, as an operator would. The answer does not matter.
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>>;
    /// Brings trouble about; `false` where the source cannot have it.
    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>>;
    /// Ends it. A deleted secret need not come back: the suite publishes anew.
    fn end(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>>;
}

/// What the suite saw of a source that passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceReport {
    /// The troubles that it was put into.
    pub troubles: Vec<SourceTrouble>,
    /// What it said about each, and about documents that were refused: for people to read.
    pub errors: Vec<String>,
}

/// What a source did wrong.
#[derive(Debug)]
pub struct SourceFault(String);

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for SourceFault {}

fn fault<T>(what: impl Into<String>) -> Result<T, SourceFault> {
    Err(SourceFault(what.into()))
}

fn require(holds: bool, what: &str) -> Result<(), SourceFault> {
    if holds { Ok(()) } else { fault(what) }
}

async fn staged(future: BoxFuture<'_, Result<bool, BoxError>>) -> Result<bool, SourceFault> {
    future.await.map_err(|error| SourceFault(format!("the stage failed: {error}")))
}

/// Runs a source through a rotation, through garbage and old documents, and through every trouble that it can have.
///
/// After each refusal the last good ring must still be in use, the error must name the source and hold no key, and the
/// source must recover by itself. The suite needs a tokio runtime with timers enabled.
///
/// # Errors
///
/// [`SourceFault`] says what the source did wrong.
///
/// # Examples
///
/// ```
/// use oauth_state::BoxFuture;
/// use oauth_state::error::BoxError;
/// use oauth_state::ring::source::FileSource;
/// use oauth_state::testing::{SourceStage, SourceTrouble, source_suite};
///
/// struct Folder(std::path::PathBuf);
///
/// impl SourceStage for Folder {
///     fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>> {
///         Box::pin(async move { Ok(std::fs::write(&self.0, text).map(|()| true)?) })
///     }
///     fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> {
///         Box::pin(async move {
///             match trouble {
///                 SourceTrouble::Deleted => Ok(std::fs::remove_file(&self.0).map(|()| true)?),
///                 _ => Ok(false),
///             }
///         })
///     }
///     fn end(&self, _trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>> { Box::pin(async { Ok(true) }) }
/// }
///
/// let path = std::env::temp_dir().join(format!("source-suite-{}", std::process::id()));
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let report = runtime.block_on(source_suite(FileSource::new(&path), &Folder(path.clone())))?;
/// assert_eq!(report.troubles, [SourceTrouble::Deleted]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn source_suite(source: impl KeySource, stage: &impl SourceStage) -> Result<SourceReport, SourceFault> {
    let (now, mut report) = (SystemClock.now(), SourceReport::default());
    let first = made(KeyRingDocument::first(RingTiming::default(), now))?;
    let second = made(first.rotate(now))?.document;
    let name = source.name().to_owned();
    require(!name.is_empty() && !name.contains(char::is_control), "a source's name is one line for people")?;

    staged(stage.publish(first.to_secret_text().expose())).await?;
    let refresh = Refresh::every(Duration::from_secs(60));
    let loaded = LiveKeyRing::load(source, refresh).await;
    let (keys, mut refresher) =
        loaded.map_err(|error| SourceFault(format!("a good document does not load: {error}")))?;
    require(keys.fingerprint() == first.ring().fingerprint(), "another document came than was published")?;
    expect(&mut refresher, Update::Unchanged, "the same document again").await?;

    staged(stage.publish(second.to_secret_text().expose())).await?;
    expect(&mut refresher, Update::Taken { late: 0 }, "a new document").await?;
    require(keys.fingerprint() == second.ring().fingerprint(), "the new document is not in use")?;
    expect(&mut refresher, Update::Unchanged, "the new document again").await?;

    let mut suite = Suite { keys, refresher, stage, good: second, report: &mut report, name };
    suite.refuses("garbage", "{ this is no document").await?;
    let old = first.to_secret_text();
    suite.refuses("an older document", old.expose()).await?;
    suite.recovers("refused documents").await?;
    for trouble in [SourceTrouble::Deleted, SourceTrouble::Denied, SourceTrouble::Unavailable] {
        suite.survives(trouble).await?;
    }
    suite.revokes(now).await?;
    Ok(report)
}

fn made<T>(step: Result<T, crate::ring::StepError>) -> Result<T, SourceFault> {
    step.map_err(|error| SourceFault(format!("no document could be made: {error}")))
}

async fn expect(refresher: &mut Refresher, expected: Update, what: &str) -> Result<(), SourceFault> {
    match refresher.refresh().await {
        Ok(offered) if offered == expected => Ok(()),
        Ok(offered) => fault(format!("{what} came as {offered:?}, not as {expected:?}")),
        Err(error) => fault(format!("{what} failed: {error}")),
    }
}

struct Suite<'s, S> {
    keys: LiveKeyRing,
    refresher: Refresher,
    stage: &'s S,
    /// What is in use, and must stay.
    good: KeyRingDocument,
    report: &'s mut SourceReport,
    name: String,
}

impl<S: SourceStage> Suite<'_, S> {
    /// One refresh that must fail, and must change nothing.
    async fn fails(&mut self, what: &str, expected: SourceErrorKind) -> Result<(), SourceFault> {
        let error = match self.refresher.refresh().await {
            Err(error) => error,
            Ok(offered) => return fault(format!("{what} came as {offered:?}")),
        };
        if error.kind() != expected {
            return fault(format!("{what} is {:?}, not {expected:?}: {error}", error.kind()));
        }
        require(self.keys.fingerprint() == self.good.ring().fingerprint(), "the last good ring did not stay")?;
        let told = every_word(&error);
        require(told.contains(&self.name) || error.source_name() == self.name, "an error must name its source")?;
        require(!told.contains("osk1."), "an error holds a key")?;
        require(!error.to_string().contains(char::is_control), "an error is one line")?;
        self.report.errors.push(error.to_string());
        Ok(())
    }

    async fn refuses(&mut self, what: &str, text: &str) -> Result<(), SourceFault> {
        staged(self.stage.publish(text)).await?;
        self.fails(what, SourceErrorKind::Document).await
    }

    /// The next document comes in as if nothing had been.
    async fn recovers(&mut self, after: &str) -> Result<(), SourceFault> {
        let next = made(self.good.rotate(SystemClock.now()))?.document;
        staged(self.stage.publish(next.to_secret_text().expose())).await?;
        expect(&mut self.refresher, Update::Taken { late: 0 }, &format!("a good document after {after}")).await?;
        self.good = next;
        require(self.keys.status().last_error.is_none(), "an error must not outlive its end")
    }

    async fn survives(&mut self, trouble: SourceTrouble) -> Result<(), SourceFault> {
        if !staged(self.stage.begin(trouble)).await? {
            return Ok(());
        }
        let kind = match trouble {
            SourceTrouble::Deleted => SourceErrorKind::Missing,
            SourceTrouble::Denied => SourceErrorKind::Denied,
            SourceTrouble::Unavailable => SourceErrorKind::Unavailable,
        };
        self.fails(&format!("{trouble:?}"), kind).await?;
        staged(self.stage.end(trouble)).await?;
        self.report.troubles.push(trouble);
        self.recovers(&format!("{trouble:?}")).await
    }

    /// Whatever else the document holds.
    async fn revokes(&mut self, now: SystemTime) -> Result<(), SourceFault> {
        let ring = self.good.ring().clone();
        let id: RootKeyId = ring.roles(now).next().map(|(id, _)| id).ok_or(SourceFault("an empty ring".to_owned()))?;
        staged(self.stage.publish(&format!(r#"{{"revoked":["{id}"]}}"#))).await?;
        self.fails("a document that only revokes", SourceErrorKind::Document).await?;
        let role = self.keys.ring().roles(now).find(|(known, _)| *known == id).map(|(_, role)| role);
        require(role == Some(KeyRole::Revoked), "a revocation in a refused document must hold")
    }
}

/// Everything that an error, and what lies under it, could write to a log.
fn every_word(error: &SourceError) -> String {
    let mut words = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    words
}

/// Runs a source that can be written to through a first write, a second, stale ones, and a race. It must be empty
/// before, such as a [`FileSource`](crate::ring::source::FileSource) whose file does not exist yet.
///
/// Of two writes over one version at most one may succeed.
///
/// # Errors
///
/// [`SourceFault`] says what the source did wrong.
pub async fn writable_source_suite(source: &impl WritableSource) -> Result<(), SourceFault> {
    let now = SystemClock.now();
    let first = made(KeyRingDocument::first(RingTiming::default(), now))?.to_secret_text();
    let second = made(KeyRingDocument::first(RingTiming::default(), now))?.to_secret_text();
    stored(source, &first, None, "the first write").await?;
    let (text, version) = read(source).await?;
    require(text.expose().trim() == first.expose().trim(), "what is read is not what was written")?;
    conflicts(source, &second, None, "a first write where something stands").await?;
    stored(source, &second, version.as_deref(), "a write over the version that was read").await?;
    conflicts(source, &first, version.as_deref(), "a write over a version that is gone").await?;
    let (text, version) = read(source).await?;
    require(text.expose().trim() == second.expose().trim(), "a refused write changed what stands there")?;

    let third = made(KeyRingDocument::first(RingTiming::default(), now))?.to_secret_text();
    let one = source.store(&first, version.as_deref());
    let other = source.store(&third, version.as_deref());
    let (one, other) = tokio::join!(one, other);
    let winner = match (&one, &other) {
        (Ok(_), Err(_)) => &first,
        (Err(_), Ok(_)) => &third,
        // A store without a conditional write can do no better than to tell both.
        (Err(_), Err(_)) => return Ok(()),
        (Ok(_), Ok(_)) => return fault("of two writes over one version both succeeded, so that one is lost"),
    };
    let (text, _) = read(source).await?;
    require(text.expose().trim() == winner.expose().trim(), "the write that was refused is the one that stands there")
}

async fn read(source: &impl WritableSource) -> Result<(SecretString, Option<String>), SourceFault> {
    match source.fetch(None).await {
        Ok(Fetched::Document { text, version }) => Ok((text, version)),
        Ok(Fetched::Unchanged) => fault("unchanged, without a version to compare with"),
        Err(error) => fault(format!("what was written cannot be read: {error}")),
    }
}

async fn stored(
    source: &impl WritableSource,
    text: &SecretString,
    expected: Option<&str>,
    what: &str,
) -> Result<(), SourceFault> {
    match source.store(text, expected).await {
        Ok(_) => Ok(()),
        Err(error) => fault(format!("{what} failed: {error}")),
    }
}

async fn conflicts(
    source: &impl WritableSource,
    text: &SecretString,
    expected: Option<&str>,
    what: &str,
) -> Result<(), SourceFault> {
    match source.store(text, expected).await {
        Err(error) if error.kind() == SourceErrorKind::Conflict => Ok(()),
        Err(error) => fault(format!("{what} is {:?}, not a conflict: {error}", error.kind())),
        Ok(_) => fault(format!("{what} succeeded")),
    }
}
