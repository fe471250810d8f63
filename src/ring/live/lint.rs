//! Present and upcoming problems of a document that servers accept.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::clock::unix_seconds;
use crate::ring::key::{KeyRole, RootKeyId};
use crate::ring::live::KeyInfo;
use crate::ring::source::document::{KeyRingDocument, MOST_KEYS, Utc};

/// A propagation below this, in seconds, is shorter than most servers' refresh interval.
const SHORT_PROPAGATION: u64 = 60;
/// A key that waits longer than this, in seconds, beyond `propagation` and `skew` has a wrong date, or was written by a wrong clock: a day.
const FAR_AWAY: u64 = 86_400;
/// The most seconds between a revoked key and its successor: one for each key that is revoked in a row.
const BRIEF: u64 = MOST_KEYS as u64;

/// How bad a [`Lint`] is. `Error` is greater than `Warning`; `Display` prints `error` or `warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintLevel {
    /// Logins work, but an operator should look at the document.
    Warning,
    /// Logins fail, or will at a known time.
    Error,
}

impl fmt::Display for LintLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A problem in a ring document that is valid otherwise. Its `Display` is one line, without key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint {
    /// Every `seal_from` is in the future: a service that starts now cannot start logins.
    NothingSealsYet {
        /// The first `seal_from`.
        from: SystemTime,
    },
    /// The key that would seal now is revoked, and no other replaces it.
    NoActiveKey,
    /// A revoked key that has not sealed yet will replace the one that seals.
    NoActiveKeyFrom {
        /// The revoked key.
        id: RootKeyId,
        /// Its `seal_from`.
        at: SystemTime,
    },
    /// The text is a bare root key, which has no schedule.
    BareKey,
    /// The active key was published longer ago than the caller wants.
    ActiveKeyOld {
        /// The key.
        id: RootKeyId,
        /// How long ago it was published.
        age: Duration,
    },
    /// A key has opened nothing for longer than the age at which keys are to be replaced, but is still in the document: the next rotation
    /// would have removed it.
    RetiredKey {
        /// The key.
        id: RootKeyId,
    },
    /// `propagation` is below 60 s: servers that read their source once a minute get a key after it seals.
    ShortPropagation {
        /// The value in the document.
        propagation: Duration,
    },
    /// `skew` is 0, but no two clocks agree to the second.
    NoSkew,
    /// `published_at` is in the future by more than the skew.
    PublishedInFuture {
        /// The key.
        id: RootKeyId,
        /// Its `published_at`.
        at: SystemTime,
    },
    /// A key waits for more than a day beyond `propagation` and `skew`: its date is wrong, or the clock that wrote it, or that of the key
    /// before it.
    PendingFarAway {
        /// The key.
        id: RootKeyId,
        /// Its `seal_from`.
        at: SystemTime,
    },
    /// A key seals sooner than `propagation` after the key before it was published, so that it cannot have been in a document for that
    /// long: the clock that wrote it was behind.
    SealsTooSoon {
        /// The key.
        id: RootKeyId,
        /// Its `seal_from`.
        at: SystemTime,
    },
    /// Several keys wait for their turn: a rotation was repeated. One is enough.
    SeveralPending {
        /// How many.
        count: usize,
    },
    /// The document has 15 keys and none can be removed yet: the next rotation is refused, because one place is reserved for a revocation.
    Full,
}

impl Lint {
    /// Whether logins fail.
    #[must_use]
    pub const fn severity(&self) -> LintLevel {
        match self {
            Self::NothingSealsYet { .. } | Self::NoActiveKey | Self::NoActiveKeyFrom { .. } => LintLevel::Error,
            _ => LintLevel::Warning,
        }
    }

    /// A stable word for pipelines, such as `no_skew`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingSealsYet { .. } => "nothing_seals_yet",
            Self::NoActiveKey => "no_active_key",
            Self::NoActiveKeyFrom { .. } => "no_active_key_soon",
            Self::BareKey => "bare_key",
            Self::ActiveKeyOld { .. } => "active_key_old",
            Self::RetiredKey { .. } => "retired_key",
            Self::ShortPropagation { .. } => "short_propagation",
            Self::NoSkew => "no_skew",
            Self::PublishedInFuture { .. } => "published_in_future",
            Self::PendingFarAway { .. } => "pending_far_away",
            Self::SealsTooSoon { .. } => "seals_too_soon",
            Self::SeveralPending { .. } => "several_pending",
            Self::Full => "full",
        }
    }

    /// The key with the problem; `None` if it concerns the whole document.
    #[must_use]
    pub const fn key(&self) -> Option<RootKeyId> {
        match self {
            Self::NoActiveKeyFrom { id, .. }
            | Self::ActiveKeyOld { id, .. }
            | Self::RetiredKey { id }
            | Self::PublishedInFuture { id, .. }
            | Self::PendingFarAway { id, .. }
            | Self::SealsTooSoon { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The remedy, with the `oauth-state keys` command if one helps.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NothingSealsYet { .. } => {
                "before any server has it, let the first key's `seal_from` be its `published_at` or earlier"
            }
            Self::NoActiveKey => "add a key: oauth-state keys rotate; it seals at once",
            Self::NoActiveKeyFrom { .. } => "let it be taken out: oauth-state keys rotate",
            Self::BareKey => "make it a document: oauth-state keys rotate",
            Self::ActiveKeyOld { .. } => "rotate: oauth-state keys rotate",
            Self::RetiredKey { .. } => "take it out: oauth-state keys prune",
            Self::ShortPropagation { .. } => "raise `propagation` to at least the interval at which servers read",
            Self::NoSkew => "set `skew` to what the servers' clocks may differ, such as 60",
            Self::PublishedInFuture { .. } => {
                "correct this computer's clock if it is behind; otherwise that of the computer that wrote the key, and withdraw the key: oauth-state keys revoke"
            }
            Self::PendingFarAway { .. } => "withdraw it: oauth-state keys revoke; then rotate",
            Self::SealsTooSoon { .. } => {
                "check that every server has this document (oauth-state fingerprint), and correct the clock that wrote it"
            }
            Self::SeveralPending { .. } => "rotate once per period: oauth-state keys rotate --if-older-than 30d",
            Self::Full => "wait until a key is retired, or withdraw pending ones: oauth-state keys revoke",
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = |time: &SystemTime| Utc(unix_seconds(*time));
        match self {
            Self::NothingSealsYet { from } => write!(f, "no key seals before {}", utc(from)),
            Self::NoActiveKey => f.write_str("no key seals: the one whose turn it is was revoked"),
            Self::NoActiveKeyFrom { id, at } => {
                write!(f, "no key seals from {}: key {id} takes over then, and is revoked", utc(at))
            }
            Self::BareKey => f.write_str("a bare root key has no schedule"),
            Self::ActiveKeyOld { id, age } => {
                write!(f, "the active key {id} was published {} days ago", age.as_secs() / 86_400)
            }
            Self::RetiredKey { id } => write!(f, "key {id} opens nothing any more"),
            Self::ShortPropagation { propagation } => {
                write!(f, "`propagation` is {} s: a server may learn of a key after it seals", propagation.as_secs())
            }
            Self::NoSkew => f.write_str("`skew` is 0, and no two clocks agree to the second"),
            Self::PublishedInFuture { id, at } => write!(f, "key {id} was published in the future, at {}", utc(at)),
            Self::PendingFarAway { id, at } => write!(f, "key {id} does not seal before {}", utc(at)),
            Self::SealsTooSoon { id, at } => {
                write!(f, "key {id} seals from {}, before its document can have reached every server", utc(at))
            }
            Self::SeveralPending { count } => write!(f, "{count} keys are pending"),
            Self::Full => {
                f.write_str("every place but the one for a revocation is taken: the next rotation is refused")
            }
        }
    }
}

impl KeyRingDocument {
    /// The problems of this document, errors first: for pipelines, for alerts, and for `oauth-state keys check`.
    ///
    /// The document has passed the parser. `oldest` is the age at which the active key should be replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::ring::{Lint, KeyRingDocument, RingTiming, LintLevel};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let now = SystemTime::now();
    /// let oldest = Duration::from_secs(90 * 86_400);
    /// let document = KeyRingDocument::first(RingTiming::default(), now)?;
    /// assert!(document.lint(now, oldest).is_empty());
    ///
    /// let timing = RingTiming { propagation: Duration::ZERO, ..RingTiming::default() };
    /// let hasty = KeyRingDocument::first(timing, now)?;
    /// let findings = hasty.lint(now, oldest);
    /// assert_eq!(findings, [Lint::ShortPropagation { propagation: Duration::ZERO }]);
    /// assert!(findings.iter().all(|finding| finding.severity() == LintLevel::Warning));
    /// # Ok::<(), oauth_state::ring::StepError>(())
    /// ```
    #[must_use]
    pub fn lint(&self, now: SystemTime, oldest: Duration) -> Vec<Lint> {
        let (listed, seconds) = (self.list(now).collect::<Vec<_>>(), unix_seconds(now));
        let timing = self.timing();
        let mut findings = Vec::new();
        match listed.first() {
            Some(first) if !self.ring().has_begun(seconds) => {
                findings.push(Lint::NothingSealsYet { from: first.seal_from });
            }
            _ if self.ring().active(seconds).is_none() => findings.push(Lint::NoActiveKey),
            _ => {}
        }
        let revoked = |key: &&KeyInfo| key.role == KeyRole::Revoked;
        for key in listed.iter().filter(|key| revoked(key) && key.seal_from > now) {
            let next = listed.iter().find(|next| !revoked(next) && next.seal_from > key.seal_from);
            let gap = next.and_then(|next| next.seal_from.duration_since(key.seal_from).ok());
            if gap.is_some_and(|gap| gap.as_secs() <= BRIEF) {
                continue;
            }
            findings.push(Lint::NoActiveKeyFrom { id: key.id, at: key.seal_from });
        }
        // The result of parsing a bare key; a real document has a serial of at least 1.
        let bare = self.serial() == 0 && self.keys.iter().all(|key| key.published_at == 0);
        if bare {
            findings.push(Lint::BareKey);
            return findings;
        }
        if timing.propagation.as_secs() < SHORT_PROPAGATION {
            findings.push(Lint::ShortPropagation { propagation: timing.propagation });
        }
        if timing.skew.is_zero() {
            findings.push(Lint::NoSkew);
        }
        let after = |at: SystemTime, most: u64| unix_seconds(at) > seconds.saturating_add(most);
        let needed = timing.propagation.saturating_add(timing.skew);
        let far_away = needed.as_secs().saturating_add(FAR_AWAY);
        let over = |until: Option<SystemTime>| until.is_some_and(|until| until <= now);
        for key in &listed {
            let age = now.duration_since(key.published_at).unwrap_or_default();
            if key.role == KeyRole::Active && age > oldest {
                findings.push(Lint::ActiveKeyOld { id: key.id, age });
            }
            if key.accept_until.and_then(|until| until.checked_add(oldest)).is_some_and(|until| until <= now) {
                findings.push(Lint::RetiredKey { id: key.id });
            }
            if after(key.published_at, timing.skew.as_secs()) {
                findings.push(Lint::PublishedInFuture { id: key.id, at: key.published_at });
            }
            if key.role == KeyRole::Pending && after(key.seal_from, far_away) {
                findings.push(Lint::PendingFarAway { id: key.id, at: key.seal_from });
            }
        }
        // A key was published after the ones before it, whatever its own date says. Only an emergency key may come in between.
        let mut latest = SystemTime::UNIX_EPOCH;
        for key in listed.iter().filter(|key| !key.emergency) {
            let known_from = latest.checked_sub(timing.skew).and_then(|at| at.checked_add(timing.propagation));
            if !over(key.accept_until) && known_from.is_some_and(|at| key.seal_from < at) {
                findings.push(Lint::SealsTooSoon { id: key.id, at: key.seal_from });
            }
            latest = latest.max(key.published_at);
        }
        let pending = listed.iter().filter(|key| key.role == KeyRole::Pending).count();
        if pending > 1 {
            findings.push(Lint::SeveralPending { count: pending });
        }
        // A rotation leaves one place free.
        if listed.len() >= MOST_KEYS.saturating_sub(1) && !listed.iter().any(|key| over(key.accept_until)) {
            findings.push(Lint::Full);
        }
        findings
    }
}

#[cfg(test)]
mod tests;
