//! The suite that every key source must pass.

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

/// A failure of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceTrouble {
    /// The secret is gone.
    Deleted,
    /// The service's identity is not allowed to read it.
    Denied,
    /// The source does not answer, or answers that it is unavailable.
    Unavailable,
}

/// Changes a source for the suite. See [`source_suite`] for an example.
pub trait SourceStage: Sync {
    /// Writes this text to the place that the source reads, as an operator would. The returned value does not matter.
    fn publish<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<bool, BoxError>>;
    /// Starts a failure; returns `false` if the source cannot have it.
    fn begin(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>>;
    /// Ends the failure. A deleted secret need not come back: the suite publishes it again.
    fn end(&self, trouble: SourceTrouble) -> BoxFuture<'_, Result<bool, BoxError>>;
}

/// The result for a source that passed the suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceReport {
    /// The failures that it went through.
    pub troubles: Vec<SourceTrouble>,
    /// Its error texts for them, and for refused documents.
    pub errors: Vec<String>,
}

/// A source's error.
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

/// Runs a source through a rotation, through garbage and old documents, and through every failure that it can have.
///
/// After each refusal the last good ring must still be in use, the error must name the source and contain no key, and the source must
/// recover without help. The suite needs a tokio runtime with timers enabled.
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
    require(!name.is_empty() && !name.contains(char::is_control), "a source's name must be one line of text")?;

    staged(stage.publish(first.to_secret_text().expose())).await?;
    let refresh = Refresh::every(Duration::from_secs(60));
    let loaded = LiveKeyRing::load(source, refresh).await;
    let (keys, mut refresher) =
        loaded.map_err(|error| SourceFault(format!("a good document does not load: {error}")))?;
    require(
        keys.fingerprint() == first.ring().fingerprint(),
        "the source returned another document than the published one",
    )?;
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
    step.map_err(|error| SourceFault(format!("failed to make a document: {error}")))
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
    /// The ring in use, which must stay.
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
        require(self.keys.fingerprint() == self.good.ring().fingerprint(), "the last good ring did not stay in use")?;
        let told = every_word(&error);
        require(told.contains(&self.name) || error.source_name() == self.name, "an error does not name its source")?;
        require(!told.contains("osk1."), "an error contains a key")?;
        require(!error.to_string().contains(char::is_control), "an error has more than one line")?;
        self.report.errors.push(error.to_string());
        Ok(())
    }

    async fn refuses(&mut self, what: &str, text: &str) -> Result<(), SourceFault> {
        staged(self.stage.publish(text)).await?;
        self.fails(what, SourceErrorKind::Document).await
    }

    /// The next document is accepted as if nothing had happened.
    async fn recovers(&mut self, after: &str) -> Result<(), SourceFault> {
        let next = made(self.good.rotate(SystemClock.now()))?.document;
        staged(self.stage.publish(next.to_secret_text().expose())).await?;
        expect(&mut self.refresher, Update::Taken { late: 0 }, &format!("a good document after {after}")).await?;
        self.good = next;
        require(self.keys.status().last_error.is_none(), "an error is still reported after recovery")
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

    /// Whatever else is in the document.
    async fn revokes(&mut self, now: SystemTime) -> Result<(), SourceFault> {
        let ring = self.good.ring().clone();
        let id: RootKeyId = ring.roles(now).next().map(|(id, _)| id).ok_or(SourceFault("an empty ring".to_owned()))?;
        staged(self.stage.publish(&format!(r#"{{"revoked":["{id}"]}}"#))).await?;
        self.fails("a document that only revokes", SourceErrorKind::Document).await?;
        let role = self.keys.ring().roles(now).find(|(known, _)| *known == id).map(|(_, role)| role);
        require(role == Some(KeyRole::Revoked), "a revocation in a refused document was ignored")
    }
}

/// All text that an error and its sources could write to a log.
fn every_word(error: &SourceError) -> String {
    let mut words = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    words
}

/// Runs a writable source through a first write, a second one, stale writes and a race. It must be empty before, such as a
/// [`FileSource`](crate::ring::source::FileSource) whose file does not exist yet.
///
/// Of two writes over one version, at most one may succeed.
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
    require(text.expose().trim() == first.expose().trim(), "the text that was read is not the one that was written")?;
    conflicts(source, &second, None, "a first write over an existing document").await?;
    stored(source, &second, version.as_deref(), "a write over the version that was read").await?;
    conflicts(source, &first, version.as_deref(), "a write over an outdated version").await?;
    let (text, version) = read(source).await?;
    require(text.expose().trim() == second.expose().trim(), "a refused write changed the document")?;

    let third = made(KeyRingDocument::first(RingTiming::default(), now))?.to_secret_text();
    let one = source.store(&first, version.as_deref());
    let other = source.store(&third, version.as_deref());
    let (one, other) = tokio::join!(one, other);
    let winner = match (&one, &other) {
        (Ok(_), Err(_)) => &first,
        (Err(_), Ok(_)) => &third,
        // Without conditional writes, a store can do no better than to report both.
        (Err(_), Err(_)) => return Ok(()),
        (Ok(_), Ok(_)) => return fault("two writes over one version both succeeded, so one is lost"),
    };
    let (text, _) = read(source).await?;
    require(text.expose().trim() == winner.expose().trim(), "the document is that of the refused write")
}

async fn read(source: &impl WritableSource) -> Result<(SecretString, Option<String>), SourceFault> {
    match source.fetch(None).await {
        Ok(Fetched::Document { text, version, .. }) => Ok((text, version)),
        Ok(Fetched::Unchanged) => fault("the source answered unchanged, although no version was given"),
        Err(error) => fault(format!("the text that was written cannot be read: {error}")),
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
