//! The kinds of refusal, each with its code, its status and its diagnosis.

use crate::observe::Severity;

/// The reason of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishErrorKind {
    /// The callback has no `state`.
    MissingState,
    /// A parameter occurs twice.
    DuplicateParameter,
    /// The callback has both `code` and `error`.
    CodeAndError,
    /// The callback has neither `code` nor `error`.
    CodeMissing,
    /// The state or the whole callback exceeds the size limit.
    TooLong,
    /// The state does not have this form.
    Malformed,
    /// Sealed by a key that is not in the ring, or is retired.
    UnknownKey,
    /// Sealed by a key that the operator revoked.
    KeyRevoked,
    /// The state was changed, or sealed for another application or environment.
    Forged,
    /// The state has expired.
    Expired,
    /// Issued in the future, by more than the skew.
    IssuedInFuture,
    /// Started for a purpose that is not accepted here.
    WrongPurpose,
    /// Started with another provider.
    WrongProvider,
    /// The provider that was loaded at run time has changed since the login started.
    ConnectionChanged,
    /// The provider that was loaded at run time no longer exists.
    ConnectionGone,
    /// Started for another tenant.
    WrongTenant,
    /// Started with another redirect_uri.
    WrongRedirect,
    /// A GET at the callback of a provider that is declared as [`Provider::post_only`](crate::Provider::post_only).
    WrongResponseMode,
    /// The login's cookie is missing.
    CookieMissing,
    /// The cookie belongs to another browser.
    OtherBrowser,
    /// Started in another session.
    OtherSession,
    /// Started with another login secret.
    OtherClient,
    /// Started by another signed-in user, or no user is signed in.
    OtherUser,
    /// The provider sends `iss`, but the callback has none.
    IssuerMissing,
    /// `iss` names another provider.
    IssuerMismatch,
    /// Your data could not be deserialized as the expected type.
    Data,
    /// The state has already been used.
    AlreadyUsed,
    /// The guard could not be reached.
    GuardUnavailable,
    /// The guard was asked, and its answer is unknown.
    GuardOutcomeUnknown,
    /// The guard is full.
    GuardFull,
    /// The store could not be asked for the login's data. The state is used up.
    StoreUnavailable,
    /// The store does not have the login's data.
    NotStored,
    /// A hook of the routes failed. The state has not been used up.
    HookFailed,
    /// A cross-site POST without the cookie, which a page of this site posts again; see
    /// [`FinishError::repost`](crate::FinishError::repost). This is not a failure, and the state has not been used up.
    RepostNeeded,
    /// A HEAD request or a speculative load. The state has not been used up.
    NotConsumed,
}

impl FinishErrorKind {
    /// All kinds. The order has no meaning.
    pub const ALL: &'static [Self] = &[
        Self::MissingState,
        Self::DuplicateParameter,
        Self::CodeAndError,
        Self::CodeMissing,
        Self::TooLong,
        Self::Malformed,
        Self::UnknownKey,
        Self::KeyRevoked,
        Self::Forged,
        Self::Expired,
        Self::IssuedInFuture,
        Self::WrongPurpose,
        Self::WrongProvider,
        Self::ConnectionChanged,
        Self::ConnectionGone,
        Self::WrongTenant,
        Self::WrongRedirect,
        Self::WrongResponseMode,
        Self::CookieMissing,
        Self::OtherBrowser,
        Self::OtherSession,
        Self::OtherClient,
        Self::OtherUser,
        Self::IssuerMissing,
        Self::IssuerMismatch,
        Self::Data,
        Self::AlreadyUsed,
        Self::GuardUnavailable,
        Self::GuardOutcomeUnknown,
        Self::GuardFull,
        Self::StoreUnavailable,
        Self::NotStored,
        Self::HookFailed,
        Self::RepostNeeded,
        Self::NotConsumed,
    ];

    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingState => "missing_state",
            Self::DuplicateParameter => "duplicate_parameter",
            Self::CodeAndError => "code_and_error",
            Self::CodeMissing => "code_missing",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::KeyRevoked => "key_revoked",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::IssuedInFuture => "issued_in_future",
            Self::WrongPurpose => "wrong_purpose",
            Self::WrongProvider => "wrong_provider",
            Self::ConnectionChanged => "connection_changed",
            Self::ConnectionGone => "connection_gone",
            Self::WrongTenant => "wrong_tenant",
            Self::WrongRedirect => "wrong_redirect",
            Self::WrongResponseMode => "wrong_response_mode",
            Self::CookieMissing => "cookie_missing",
            Self::OtherBrowser => "other_browser",
            Self::OtherSession => "other_session",
            Self::OtherClient => "other_client",
            Self::OtherUser => "other_user",
            Self::IssuerMissing => "issuer_missing",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::Data => "data",
            Self::AlreadyUsed => "already_used",
            Self::GuardUnavailable => "guard_unavailable",
            Self::GuardOutcomeUnknown => "guard_outcome_unknown",
            Self::GuardFull => "guard_full",
            Self::StoreUnavailable => "store_unavailable",
            Self::NotStored => "not_stored",
            Self::HookFailed => "hook_failed",
            Self::RepostNeeded => "repost_needed",
            Self::NotConsumed => "not_consumed",
        }
    }

    /// The HTTP status to answer with: 503 for a server problem that may pass, 200 for the page that posts again, 400 otherwise.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::GuardUnavailable
            | Self::GuardOutcomeUnknown
            | Self::GuardFull
            | Self::StoreUnavailable
            | Self::HookFailed
            | Self::NotConsumed => 503,
            Self::RepostNeeded => 200,
            _ => 400,
        }
    }

    /// The level of a log line about it.
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::UnknownKey
            | Self::IssuedInFuture
            | Self::WrongResponseMode
            | Self::IssuerMissing
            | Self::ConnectionGone
            | Self::Data
            | Self::GuardUnavailable
            | Self::GuardOutcomeUnknown
            | Self::GuardFull
            | Self::StoreUnavailable
            | Self::NotStored
            | Self::HookFailed => Severity::Warn,
            Self::RepostNeeded | Self::NotConsumed => Severity::Debug,
            _ => Severity::Info,
        }
    }

    /// Whether the login only came too late, came twice, or met a failing store: nothing suggests an attack.
    pub(super) const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Expired
                | Self::AlreadyUsed
                | Self::Data
                | Self::GuardUnavailable
                | Self::GuardOutcomeUnknown
                | Self::GuardFull
                | Self::StoreUnavailable
                | Self::NotStored
        )
    }

    /// The text for developers and operators, unless more is known.
    pub(super) const fn diagnosis(self) -> &'static str {
        match self {
            Self::MissingState => {
                "the callback has no state parameter: the provider dropped it, or no login was started"
            }
            Self::DuplicateParameter => "a parameter of the callback occurs twice (RFC 6749 section 3.1 forbids it)",
            Self::CodeAndError => "the callback has both code and error",
            Self::CodeMissing => "the callback has neither code nor error",
            Self::TooLong => "the callback exceeds the size limit (32 KiB; `state` 2048 characters)",
            Self::Malformed => {
                "the state does not have this crate's form: it was cut short, decoded twice, or made by another system"
            }
            Self::UnknownKey => {
                "no key of the ring sealed this state: compare the fingerprints of the servers' rings; if they are equal, the login started for \
                 another application or environment (to rename one, see docs/deploys.md), or for a purpose that this flow does not have"
            }
            Self::KeyRevoked => "the key that sealed this state was revoked",
            Self::Forged => {
                "the state was changed after it was sealed, or sealed for another application or environment"
            }
            Self::Expired => "the state has expired",
            Self::IssuedInFuture => {
                "the state was issued in the future: the servers' clocks differ by more than the skew"
            }
            Self::WrongPurpose => "the login was started for a purpose that this callback does not accept",
            Self::WrongProvider => "the login was started with another provider than this callback's",
            Self::ConnectionChanged => {
                "the loaded provider has another issuer, client id, authorization endpoint or redirect_uri than when the login started: it was edited, or \
                 swapped for another one"
            }
            Self::ConnectionGone => "the provider that the login started with no longer exists",
            Self::WrongTenant => "the login was started for another tenant than this callback's",
            Self::WrongRedirect => "the login was started with another redirect_uri than this callback's",
            Self::WrongResponseMode => {
                "the callback came by GET from a provider that is declared as post_only: the provider ignored \
                 response_mode=form_post, or an attacker changed the authorization request"
            }
            Self::CookieMissing => "the callback has no cookie of this login",
            Self::OtherBrowser => "the login was started in another browser, or this browser got a new cookie since",
            Self::OtherSession => "the login was started in another session",
            Self::OtherClient => "the login was started by another client",
            Self::OtherUser => "the login was started by another signed-in user, or no user is signed in now",
            Self::IssuerMissing => "the provider declares that it sends iss, but the callback has none",
            Self::IssuerMismatch => "iss names another authorization server than this callback's provider",
            Self::Data => {
                "failed to deserialize the data in the state as the expected type: check whether a deploy changed the type"
            }
            Self::AlreadyUsed => "the state was used before",
            Self::GuardUnavailable => "the replay guard could not be reached; the callback may be tried again",
            Self::GuardOutcomeUnknown => "the replay guard was asked and did not answer; the login has to start again",
            Self::GuardFull => {
                "the replay guard is full: raise its capacity, and limit the rate of login starts and callbacks"
            }
            Self::StoreUnavailable => {
                "the state store could not be reached for the login's data, after the state was used up: the login has to \
                 start again"
            }
            Self::NotStored => {
                "the state store does not have the login's data: it was evicted, lost in a restart, or never written"
            }
            Self::HookFailed => {
                "a hook of the routes failed; the state was not used up, and the callback may be tried again"
            }
            Self::RepostNeeded => {
                "the callback came as a cross-site POST, which has no SameSite=Lax cookie: the page of FinishError::repost posts it \
                 again from this site"
            }
            Self::NotConsumed => "the callback is a HEAD request or a speculative load; the state was not used up",
        }
    }
}
