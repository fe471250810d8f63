//! Events, as plain data.

use std::error::Error;
use std::time::{Duration, SystemTime};

use crate::reference::Reference;

/// The name in events for every provider that is loaded at run time, so that metrics do not grow with their number.
pub(crate) const CONNECTION: &str = "connection";

/// An event for operators. It contains no state, cookie, key, code, code_verifier, nonce, session or return path.
///
/// Any release may add kinds of events and fields.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A login started: its state is sealed, and its payload stored if it has one.
    Started {
        /// The provider's id.
        provider: &'a str,
        /// The binding of the login: `cookie`, `session`, `login_secret` or `unbound`.
        binding: &'static str,
        /// The login's reference.
        reference: Reference,
    },
    /// A login did not start.
    StartRefused(Refusal<'a>),
    /// A callback was refused.
    Refused(Refusal<'a>),
    /// A callback passed every check and the guard.
    Finished {
        /// The provider's id.
        provider: &'a str,
        /// `ok` for a code, `provider_refused` for an error from the provider.
        outcome: &'static str,
        /// The binding of the login, as in [`Event::Started`].
        binding: &'static str,
        /// The time since the login started, by the issue time in the state.
        age: Duration,
        /// The provider's error: a registered one (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6), or `other`.
        error: Option<&'static str>,
        /// The login's reference.
        reference: Reference,
    },
    /// The service exchanged the code of a callback that had passed, or could not; see [`Flow::exchanged`](crate::Flow::exchanged).
    Exchanged {
        /// The provider's id.
        provider: &'a str,
        /// Whether it succeeded.
        worked: bool,
    },
    /// A callback had an `iss`, but there was no issuer to compare it with.
    IssIgnored {
        /// The provider's id.
        provider: &'a str,
    },
    /// The routes dropped the return path of a login start; the login continues without it.
    ReturnPathDropped {
        /// The provider's id.
        provider: &'a str,
        /// The [code](crate::error::ReturnToError::code) of the broken rule, or `own_route` for a path that would start a login again.
        reason: &'static str,
    },
    /// A hook of the routes failed after its login was used up: the user has to sign in again.
    HookFailed {
        /// The provider's id.
        provider: &'a str,
        /// The hook, such as `on_login`.
        hook: &'static str,
        /// The login's reference.
        reference: Reference,
        /// The error that the hook returned.
        error: &'a (dyn Error + Send + Sync + 'static),
    },
    /// The replay guard answered.
    GuardAnswered {
        /// `first`, `already_used`, or the code of a [`GuardErrorKind`](crate::guard::GuardErrorKind).
        answer: &'static str,
        /// How long it took, by the flow's clock.
        took: Duration,
    },
    /// A guard connected to its store, or could not.
    GuardConnected {
        /// Whether it is connected.
        up: bool,
    },
    /// A payload store answered.
    StoreAnswered {
        /// `put` or `get`.
        operation: &'static str,
        /// Whether it succeeded.
        worked: bool,
        /// How long it took, by the flow's clock.
        took: Duration,
    },
    /// `DangerouslyFailOpen` let a callback through without an answer of its guard.
    FailedOpen,
    /// `KnownUsedCache` looked an id up.
    KnownUsed {
        /// Whether the id is known to be used, which saves a request to the guard.
        hit: bool,
    },
    /// A guard deleted expired marks.
    MarksPurged {
        /// The kind of guard, such as `postgres`.
        guard: &'static str,
        /// How many marks.
        marks: u64,
    },
    /// A guard could not delete its expired marks, which stay until that works.
    PurgeFailed {
        /// The kind of guard, such as `postgres`.
        guard: &'static str,
    },
    /// How full a guard with a limit is, at most once a second.
    MarksHeld {
        /// The kind of guard: `memory`.
        guard: &'static str,
        /// How many marks it holds, including those that wait to be dropped.
        marks: u64,
        /// How many it can hold.
        capacity: u64,
    },
    /// A callback named a key that this process does not know.
    UnknownKey,
    /// A ring came into use, or a document was checked and the ring stays.
    RingInUse {
        /// The document's serial number.
        serial: u64,
        /// The time that a document may take to reach every server.
        propagation: Duration,
        /// The number of keys in each role now.
        keys: [(&'static str, usize); 5],
        /// The first 48 bits of [`KeyRing::fingerprint`](crate::KeyRing::fingerprint): equal for servers with the same document.
        fingerprint: u64,
        /// When the key that seals now was published; `None` if there is none.
        active_published_at: Option<SystemTime>,
        /// When a key changes its role next by the document's schedule; `None` if none will.
        next_change: Option<SystemTime>,
    },
    /// The source of a ring answered.
    SourceAnswered {
        /// Whether it succeeded.
        worked: bool,
        /// How long it took, by the clock of `Refresh`.
        took: Duration,
    },
    /// A refresh of the ring ended.
    RingRefreshed {
        /// `taken`, `unchanged`, `refused` (the document) or `failed` (the source).
        outcome: &'static str,
    },
    /// The source confirmed the ring in use.
    RingConfirmed {
        /// The time of the confirmation.
        at: SystemTime,
    },
    /// Other servers sealed with keys before this process knew them.
    LateKeys {
        /// The number of keys.
        keys: usize,
    },
}

impl<'a> Event<'a> {
    /// The error of the event: a refused login start or callback, or a failed hook.
    #[must_use]
    pub fn error(&self) -> Option<&'a (dyn Error + Send + Sync + 'static)> {
        match self {
            Self::StartRefused(refusal) | Self::Refused(refusal) => Some(refusal.error),
            Self::HookFailed { error, .. } => Some(*error),
            _ => None,
        }
    }
}

impl Event<'_> {
    /// One log line for an event with an error: the provider, the reference, the error and its causes. Hooks choose the text of their errors;
    /// everything else contains nothing from the request. With the feature `tracing`, these lines are logged already.
    #[must_use]
    pub fn report(&self) -> Option<String> {
        let provider = match self {
            Self::Refused(refusal) | Self::StartRefused(refusal) => refusal.provider,
            Self::HookFailed { provider, .. } => Some(*provider),
            _ => return None,
        };
        // Quoted, because the provider's name in a request is text from outside.
        Some(format!("{:?}: {}", provider.unwrap_or("unknown"), self.line()?))
    }

    /// One log line for a login that failed, without the provider.
    pub(crate) fn line(&self) -> Option<String> {
        Some(match self {
            // Its text includes the code and the reference.
            Self::Refused(refusal) => with_causes(refusal.error),
            Self::StartRefused(refusal) => {
                format!("login not started ({}): {}", refusal.code, with_causes(refusal.error))
            }
            Self::HookFailed { hook, reference, error, .. } => {
                format!("the `{hook}` hook of the routes failed, reference {reference}: {}", with_causes(*error))
            }
            Self::Finished { error: Some(error), reference, .. } => {
                format!("the provider refused the login ({error}), reference {reference}")
            }
            _ => return None,
        })
    }
}

/// An error and all its causes on one line, without control characters.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    // A cause may have text from outside, such as a provider's response: it must neither start another line nor reach a terminal as a command.
    format!("{error}{causes}").replace(char::is_control, " ")
}

/// The level of a log line about a refusal, by its code alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The service, its configuration or its provider may be at fault. A stranger can cause some of these, too: page people by metrics, not
    /// by these lines.
    Warn,
    /// The user, the browser or an attacker caused it.
    Info,
    /// Not a failure: half of a callback that is posted again, or a request that must not consume a login.
    Debug,
}

/// The details of a refusal.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// The provider's id, if it is known: text from outside, unless the flow has a provider of this id.
    pub provider: Option<&'a str>,
    /// The code of the error.
    pub code: &'static str,
    /// The login's reference, which the user's page shows; `None` for a login that did not start.
    pub reference: Option<Reference>,
    /// The level of a log line about it.
    pub severity: Severity,
    /// The error, with its diagnosis and its sources.
    pub error: &'a (dyn Error + Send + Sync + 'static),
}

impl<'a> Refusal<'a> {
    pub(crate) fn new(
        provider: Option<&'a str>,
        code: &'static str,
        reference: Option<Reference>,
        severity: Severity,
        error: &'a (dyn Error + Send + Sync + 'static),
    ) -> Self {
        Self { provider, code, reference, severity, error }
    }
}
