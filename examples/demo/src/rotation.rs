//! The operator: a ring in a file, rotated while people sign in.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use oauth_state::ring::source::{FileSource, WritableSource};
use oauth_state::ring::{KeyRingDocument, KeyRole, RingTiming, RootKeyId};
use tokio::time::sleep;

use crate::Failure;
use crate::visitor::Visitor;

/// How long a document may take to reach both servers; they read the file every second.
const PROPAGATION: Duration = Duration::from_secs(2);
const SKEW: Duration = Duration::from_secs(1);
/// People who sign in at once.
const PEOPLE: u32 = 8;

/// A ring in a file of its own folder, which goes with it.
pub struct Rotation {
    source: FileSource,
    document: KeyRingDocument,
    version: Option<String>,
    /// Between two rotations; a service rotates once in weeks. Long enough for sixteen keys to do.
    interval: Duration,
    _folder: tempfile::TempDir,
}

impl Rotation {
    /// A first document with a fresh key. Two processes on one machine need next to no skew, which lets the demonstration
    /// expire when it says.
    pub async fn begin(lifetime: Duration) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let timing = RingTiming { propagation: PROPAGATION, skew: SKEW, lifetime_cap: lifetime };
        let document = KeyRingDocument::first(timing, SystemTime::now())?;
        let source = FileSource::new(folder.path().join("ring.json"));
        let version = source.store(&document.to_secret_text(), None).await?;
        let interval = lifetime.checked_div(8).unwrap_or_default().max(PROPAGATION);
        Ok(Self { source, document, version, interval, _folder: folder })
    }

    /// The file that the servers read.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    async fn publish(&mut self, document: KeyRingDocument) -> Result<(), Failure> {
        self.version = self.source.store(&document.to_secret_text(), self.version.as_deref()).await?;
        self.document = document;
        Ok(())
    }

    /// The same step that `oauth-state keys rotate` takes.
    async fn rotate(&mut self) -> Result<(), Failure> {
        self.publish(self.document.rotate(SystemTime::now())?.document).await?;
        let count = |role| self.document.ring().roles(SystemTime::now()).filter(|(_, other)| *other == role).count();
        let newest = self.document.list(SystemTime::now()).last().map(|key| key.id.to_string());
        println!(
            "    rotation {:>3}: key {} is pending; {} pending, {} active, {} retiring",
            self.document.serial().saturating_sub(1),
            newest.unwrap_or_default(),
            count(KeyRole::Pending),
            count(KeyRole::Active),
            count(KeyRole::Retiring)
        );
        Ok(())
    }

    /// Rotates for ever.
    pub async fn run(&mut self) -> Result<(), Failure> {
        loop {
            sleep(self.interval).await;
            self.rotate().await?;
        }
    }

    /// Signs people in over both servers for a while, rotates all the while, and revokes a key in the end.
    pub async fn sign_in_meanwhile(mut self, public: &str, duration: Duration) -> Result<ExitCode, Failure> {
        let until = Instant::now().checked_add(duration).ok_or("--for is too long")?;
        let people = Arc::new(People { public: public.to_owned(), until, ..People::default() });
        let signing_in: Vec<_> = (0..PEOPLE).map(|number| tokio::spawn(Arc::clone(&people).sign_in(number))).collect();
        while Instant::now() < people.until {
            sleep(self.interval.min(people.until.saturating_duration_since(Instant::now()))).await;
            self.rotate().await?;
        }
        for person in signing_in {
            person.await?;
        }
        let (signed_in, failed) = (people.signed_in.load(Ordering::SeqCst), people.failed.load(Ordering::SeqCst));
        println!(
            "\n{signed_in} logins over {} rotations, {failed} of them failed.",
            self.document.serial().saturating_sub(1)
        );
        let revoked = self.revoke_meanwhile(public).await?;
        Ok(if failed == 0 && signed_in > 0 && revoked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// A key leaked: what it sealed is refused from the moment at which a server has read that, and people start again.
    async fn revoke_meanwhile(&mut self, public: &str) -> Result<bool, Failure> {
        // Until the last key seals by every clock: one that does not yet is withdrawn, and its states are unknown.
        let last = self.document.list(SystemTime::now()).last().map(|key| key.seal_from);
        let settled = last.and_then(|seal_from| seal_from.checked_add(SKEW.saturating_mul(2)));
        sleep(settled.and_then(|at| at.duration_since(SystemTime::now()).ok()).unwrap_or_default()).await;

        let mut ann = Visitor::default();
        let link = ann.callback_address(public, "ann").await?;
        let leaked = self.active().ok_or("no key seals")?;
        self.publish(self.document.revoke(leaked, SystemTime::now())?.document).await?;
        sleep(Duration::from_millis(1_500)).await; // both servers have read it
        println!("    revocation: key {leaked}, and a new key in its place at once");
        let mut held = true;
        let link_answer = ann.open(&link).await?.outcome;
        let again = ann.callback_address(public, "ann").await?;
        let again_answer = ann.open(&again).await?.outcome;
        let link_said = "Ann's login that began under it";
        for (what, answer, expected) in
            [(link_said, link_answer, "key_revoked"), ("Ann signs in again", again_answer, "signed_in")]
        {
            let mark = if answer == expected { "ok " } else { "BAD" };
            println!("{mark} {what:<40} {answer}");
            held &= answer == expected;
        }
        Ok(held)
    }

    fn active(&self) -> Option<RootKeyId> {
        self.document.ring().roles(SystemTime::now()).find(|(_, role)| *role == KeyRole::Active).map(|(id, _)| id)
    }
}

/// Everybody who signs in, and how it went.
struct People {
    public: String,
    until: Instant,
    signed_in: AtomicUsize,
    failed: AtomicUsize,
}

impl Default for People {
    fn default() -> Self {
        Self {
            public: String::new(),
            until: Instant::now(),
            signed_in: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        }
    }
}

impl People {
    /// Signs in again and again. Some answer the provider at once, some take nearly as long as they may.
    async fn sign_in(self: Arc<Self>, number: u32) {
        while Instant::now() < self.until {
            let mut visitor = Visitor::default();
            let answer = async {
                let link = visitor.callback_address(&self.public, "ann").await?;
                sleep(Duration::from_millis(400).saturating_mul(number)).await;
                Ok::<_, Failure>(visitor.open(&link).await?.outcome)
            };
            match answer.await {
                Ok(outcome) if outcome == "signed_in" => self.signed_in.fetch_add(1, Ordering::SeqCst),
                Ok(outcome) => self.note_failure(&outcome),
                Err(error) => self.note_failure(&error.to_string()),
            };
        }
    }

    fn note_failure(&self, what: &str) -> usize {
        println!("BAD a login failed: {what}");
        self.failed.fetch_add(1, Ordering::SeqCst)
    }
}
