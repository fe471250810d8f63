//! The refusals, each with its code, its status and its words.

/// Why a callback was refused, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishErrorKind {
    /// No `state` came.
    MissingState,
    /// A parameter came twice.
    DuplicateParameter,
    /// Both `code` and `error` came.
    CodeAndError,
    /// Neither `code` nor `error` came.
    CodeMissing,
    /// The state or the whole callback is longer than any of ours.
    TooLong,
    /// Not a state of this form.
    Malformed,
    /// Sealed by a key that is not in the ring, or is retired.
    UnknownKey,
    /// Sealed by a key that the operator withdrew.
    KeyRevoked,
    /// Not what was sealed.
    Forged,
    /// Its time is over.
    Expired,
    /// From the future, by more than the skew.
    IssuedInFuture,
    /// Begun for a purpose that is not accepted here.
    WrongPurpose,
    /// Started with another provider.
    WrongProvider,
    /// The provider that was loaded at run time has changed since the login started.
    ConnectionChanged,
    /// The provider that was loaded at run time no longer exists.
    ConnectionGone,
    /// Begun for another tenant.
    WrongTenant,
    /// Started with another redirect_uri.
    WrongRedirect,
    /// A GET at the callback of a provider that is declared as [`Provider::post_only`](crate::Provider::post_only).
    WrongResponseMode,
    /// No cookie of the login came.
    CookieMissing,
    /// The cookie that came is another browser's.
    OtherBrowser,
    /// Another session.
    OtherSession,
    /// Another login secret.
    OtherClient,
    /// Another signed-in user, or none.
    OtherUser,
    /// The provider sends `iss`, and none came.
    IssuerMissing,
    /// `iss` names another provider.
    IssuerMismatch,
    /// The caller's data does not read as the type that is expected.
    Data,
    /// The state was used before.
    AlreadyUsed,
    /// The guard could not be asked.
    GuardUnavailable,
    /// The guard was asked, and its answer is not known.
    GuardOutcomeUnknown,
    /// The guard is full.
    GuardFull,
    /// The store could not be asked for the login's data; the state is used up.
    StoreUnavailable,
    /// The store does not have the login's data.
    NotStored,
    /// A hook of the routes that the callback needs failed; nothing was consumed.
    HookFailed,
    /// A cross-site POST without the cookie, which a page of this site's own sends once more; see
    /// [`FinishError::repost`](crate::FinishError::repost). No failure, and nothing was consumed.
    RepostNeeded,
    /// A HEAD request or a speculative load: nothing was consumed.
    NotConsumed,
}

impl FinishErrorKind {
    /// Every kind, in no order that means something.
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

    /// The stable word for logs and metrics.
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

    /// The HTTP status to answer with: 503 where the trouble is a server's and may pass, 200 for the page that posts
    /// once more, 400 otherwise.
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

    /// Whether the login only came too late, came twice, or met a store in trouble: nothing in it tells of an attack.
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

    /// What a developer or an operator reads, unless more is known.
    pub(super) const fn diagnosis(self) -> &'static str {
        match self {
            Self::MissingState => {
                "the callback has no state parameter: the provider dropped it, or nobody began this login"
            }
            Self::DuplicateParameter => "a parameter of the callback came twice (RFC 6749 section 3.1 forbids it)",
            Self::CodeAndError => "the callback has both code and error",
            Self::CodeMissing => "the callback has neither code nor error",
            Self::TooLong => "the callback is longer than any that this crate's states lead to",
            Self::Malformed => "the state is not of this crate's form: cut short, decoded twice, or another system's",
            Self::UnknownKey => "no key of the ring sealed this state: compare the fingerprints of the servers' rings",
            Self::KeyRevoked => "the key that sealed this state was revoked",
            Self::Forged => {
                "the state was changed after it was sealed, or sealed for another application or environment"
            }
            Self::Expired => "the state's time is over",
            Self::IssuedInFuture => {
                "the state was issued in the future: the servers' clocks differ by more than the skew"
            }
            Self::WrongPurpose => "the login was begun for a purpose that this callback does not accept",
            Self::WrongProvider => "the login was begun with another provider than this callback is for",
            Self::ConnectionChanged => {
                "the loaded provider has another issuer, client id, authorization endpoint or redirect_uri than when the login started: it was edited, or \
                 swapped for another one"
            }
            Self::ConnectionGone => "the provider that the login started with no longer exists",
            Self::WrongTenant => "the login was begun for another tenant than this callback is for",
            Self::WrongRedirect => "the login was begun with another redirect_uri than this callback's",
            Self::WrongResponseMode => {
                "the callback came by GET from a provider that is declared as post_only: the provider ignored \
                 response_mode=form_post, or an attacker changed the authorization request"
            }
            Self::CookieMissing => "no cookie of this login came with the callback",
            Self::OtherBrowser => "the login was begun in another browser, or this browser got a new cookie since",
            Self::OtherSession => "the login was begun in another session",
            Self::OtherClient => "the login was begun by another client",
            Self::OtherUser => "the login was begun by another signed-in user, or nobody is signed in now",
            Self::IssuerMissing => "the provider declares that it sends iss, and none came",
            Self::IssuerMismatch => "iss names another authorization server than this callback's provider",
            Self::Data => "the data in the state does not read as the expected type: was it changed in a deploy?",
            Self::AlreadyUsed => "the state was used before",
            Self::GuardUnavailable => "the replay guard could not be asked; the callback may be tried again",
            Self::GuardOutcomeUnknown => "the replay guard was asked and did not answer; the login has to start again",
            Self::GuardFull => {
                "the replay guard is full: raise its capacity, and limit the rate of login starts and callbacks"
            }
            Self::StoreUnavailable => {
                "the state store could not be asked for the login's data, after the state was used up: the login has to \
                 start again"
            }
            Self::NotStored => {
                "the state store does not have the login's data: it was lost with a process or evicted, or never written"
            }
            Self::HookFailed => {
                "a hook of the routes failed; nothing was consumed, and the callback may be tried again"
            }
            Self::RepostNeeded => {
                "a cross-site POST, on which the SameSite=Lax cookie does not come: the page of FinishError::repost posts it \
                 once more from this site"
            }
            Self::NotConsumed => "a HEAD request or a speculative load: nothing was consumed",
        }
    }
}
