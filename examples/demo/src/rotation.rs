//! The operator: a key ring in a file, rotated and revoked while users sign in.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use oauth_state::KeyRing;
use oauth_state::ring::source::{FileSource, WritableSource};
use oauth_state::ring::{KeyInfo, KeyRingDocument, KeyRole, RingTiming, RootKeyId};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::Failure;
use crate::visitor::Visitor;

/// How long a document may take to reach both servers; they read the file every second.
const PROPAGATION: Duration = Duration::from_secs(2);
const SKEW: Duration = Duration::from_secs(1);
/// After this time both servers have read a new document.
pub const READ_BY_ALL: Duration = Duration::from_millis(1_500);
/// Users who sign in at once.
const USERS: u32 = 8;

/// A ring in a file of its own folder, which is removed with it.
pub struct Rotation {
    source: FileSource,
    document: KeyRingDocument,
    version: Option<String>,
    /// Between two rotations, with `--rotate`; a service rotates every few weeks. A ring holds up to sixteen keys.
    interval: Duration,
    _folder: tempfile::TempDir,
}

impl Rotation {
    /// A first document with a fresh key. Two processes on one machine need almost no skew, so a login expires when the
    /// pages say.
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

    /// The ring that the servers have, as soon as they have read the file.
    pub fn ring(&self) -> KeyRing {
        self.document.ring().clone()
    }

    /// The same step that `oauth-state keys rotate` takes. Returns the new key.
    pub async fn rotate(&mut self) -> Result<KeyInfo, Failure> {
        self.publish(self.document.rotate(SystemTime::now())?.document).await?;
        let count = |role| self.document.ring().roles(SystemTime::now()).filter(|(_, other)| *other == role).count();
        let newest = self.document.list(SystemTime::now()).last().ok_or("the ring has no key")?;
        println!(
            "    rotation {:>3}: key {} is pending; {} pending, {} active, {} retiring",
            self.document.serial().saturating_sub(1),
            newest.id,
            count(KeyRole::Pending),
            count(KeyRole::Active),
            count(KeyRole::Retiring)
        );
        Ok(newest)
    }

    /// A key, or else the active one, and how long to wait before it is revoked: a key that does not seal by every clock
    /// yet would be withdrawn instead, and its logins would end as `unknown_key`.
    pub fn revocable(&self, id: Option<RootKeyId>) -> Result<(RootKeyId, Duration), Failure> {
        let id = id.or_else(|| self.active()).ok_or("no key seals")?;
        let key = self.document.list(SystemTime::now()).find(|key| key.id == id).ok_or("the ring has no such key")?;
        let settled = key.seal_from.checked_add(SKEW.saturating_mul(2));
        Ok((id, settled.and_then(|at| at.duration_since(SystemTime::now()).ok()).unwrap_or_default()))
    }

    /// The same step that `oauth-state keys revoke` takes.
    pub async fn revoke(&mut self, id: RootKeyId) -> Result<(), Failure> {
        self.publish(self.document.revoke(id, SystemTime::now())?.document).await
    }

    /// Rotates until the demonstration ends.
    pub async fn run(rotation: &Mutex<Self>) -> Result<(), Failure> {
        let interval = rotation.lock().await.interval;
        loop {
            sleep(interval).await;
            rotation.lock().await.rotate().await?;
        }
    }

    /// Signs users in over both servers for a while, rotates meanwhile, and revokes a key at the end.
    pub async fn sign_in_meanwhile(&mut self, public: &str, duration: Duration) -> Result<ExitCode, Failure> {
        let until = Instant::now().checked_add(duration).ok_or("--for is too long")?;
        let users = Arc::new(Users { public: public.to_owned(), until, ..Users::default() });
        let signing_in: Vec<_> = (0..USERS).map(|number| tokio::spawn(Arc::clone(&users).sign_in(number))).collect();
        while Instant::now() < users.until {
            sleep(self.interval.min(users.until.saturating_duration_since(Instant::now()))).await;
            self.rotate().await?;
        }
        for user in signing_in {
            user.await?;
        }
        let (signed_in, failed) = (users.signed_in.load(Ordering::SeqCst), users.failed.load(Ordering::SeqCst));
        println!(
            "\n{signed_in} logins over {} rotations, {failed} of them failed.",
            self.document.serial().saturating_sub(1)
        );
        let revoked = self.revoke_meanwhile(public).await?;
        Ok(if failed == 0 && signed_in > 0 && revoked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// After a leak, servers that have read the new document refuse the key's logins, and users start again.
    async fn revoke_meanwhile(&mut self, public: &str) -> Result<bool, Failure> {
        // Until the last key seals by every clock: one that does not yet is withdrawn, and its states are unknown.
        let last = self.document.list(SystemTime::now()).last().map(|key| key.seal_from);
        let settled = last.and_then(|seal_from| seal_from.checked_add(SKEW.saturating_mul(2)));
        sleep(settled.and_then(|at| at.duration_since(SystemTime::now()).ok()).unwrap_or_default()).await;

        let mut ann = Visitor::default();
        let link = ann.callback_address(public, "ann").await?;
        let (leaked, _) = self.revocable(None)?;
        self.revoke(leaked).await?;
        sleep(READ_BY_ALL).await;
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

/// The users who sign in, and the outcomes.
struct Users {
    public: String,
    until: Instant,
    signed_in: AtomicUsize,
    failed: AtomicUsize,
}

impl Default for Users {
    fn default() -> Self {
        Self {
            public: String::new(),
            until: Instant::now(),
            signed_in: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        }
    }
}

impl Users {
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
