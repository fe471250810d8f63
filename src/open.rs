//! State text to claims, one check after the other, each step a type of its own:
//!
//! ```text
//! text ─► Authentic ─► Timely ─► InContext ─► (binding) ─► (iss) ─► (data) ─► (guard)
//! ```
//!
//! Nothing here waits for anything: no guard, no store and no network is asked before a state has passed all of it.

use crate::claims::codec::{Claims, TAG_BYTES};
use crate::claims::{CheckedPath, Origin, Tenant};
use crate::refusal::{FinishError, FinishErrorKind};
use crate::ring::key::ring::Timing;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::{KeyTable, PurposeKeys};
use crate::token::wire::{self, Form, LONGEST_BYTES, NotAToken};

/// Claims that some holder of the key sealed, and the keys that they were sealed with.
pub(crate) struct Authentic<'t> {
    pub(crate) keys: &'t PurposeKeys,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) claims: Claims<'t>,
    pub(crate) return_to: Option<CheckedPath<'t>>,
}

/// Authentic claims whose time is now.
#[derive(Clone, Copy)]
pub(crate) struct Timely<'a, 't>(&'a Authentic<'t>);

/// Timely claims that belong to this callback: its purpose, provider, redirect_uri and tenant.
#[derive(Clone, Copy)]
pub(crate) struct InContext<'a, 't>(&'a Authentic<'t>);

/// Length, base64url, magic, key id, AEAD or signature, strict parse, in that order.
pub(crate) fn authenticate<'t>(
    state: &str,
    keys: &'t KeyTable,
    now: u64,
    buffer: &'t mut [u8; LONGEST_BYTES],
) -> Result<Authentic<'t>, FinishError> {
    let token = wire::read(state, buffer).map_err(|refused| match refused {
        NotAToken::TooLong => FinishErrorKind::TooLong,
        NotAToken::NotBase64Url | NotAToken::TooShort | NotAToken::OtherMagic => FinishErrorKind::Malformed,
    })?;
    if token.form != keys.form() {
        let diagnosis = if token.form == Form::Signed || keys.form() == Form::Signed {
            "one of the state and this flow is signed, the other encrypted: build the flow alike at both ends, or move from one form to \
             the other with Migration of oauth-state-store"
        } else {
            "the state is of another store's form: it was begun with another kind of store than this callback finishes"
        };
        return Err(FinishError::because(FinishErrorKind::Malformed, diagnosis));
    }
    let (keys, nonce) = (keys.opening(token.key_id, now)?, token.nonce);
    let plaintext = keys.open(token).map_err(|_| FinishErrorKind::Forged)?;
    let malformed = || {
        FinishError::because(
            FinishErrorKind::Malformed,
            "an authentic state does not read: it was sealed by a newer release, or by another implementation",
        )
    };
    let claims = Claims::read(plaintext).map_err(|_| malformed())?;
    // Once more at this end: a server of another release, or with other rules, may have sealed it.
    let return_to = match claims.return_to {
        "" => None,
        path => Some(CheckedPath::parse(path).map_err(|_| malformed())?),
    };
    if keys.purpose.needs_user() && claims.user_tag.is_none() {
        return Err(malformed());
    }
    Ok(Authentic { keys, nonce, claims, return_to })
}

/// Whether a state is expired, allowing for clocks that differ.
pub(crate) fn is_over(expires_at: u64, now: u64, skew: u32) -> bool {
    now >= expires_at.saturating_add(skew.into())
}

/// Outside its time, with what was authentic, so that the caller can offer to begin again.
pub(crate) struct OutOfTime<'a, 't> {
    pub(crate) kind: FinishErrorKind,
    authentic: &'a Authentic<'t>,
    /// Whether the login may still start again.
    restartable: bool,
}

impl<'t> Authentic<'t> {
    /// `issued_at ≤ now + skew` and `now < issued_at + lifetime + skew`, in 64 bits, which do not overflow.
    pub(crate) fn check_time(&self, now: u64, timing: Timing) -> Result<Timely<'_, 't>, OutOfTime<'_, 't>> {
        let skew = u64::from(timing.skew);
        if u64::from(self.claims.issued_at) > now.saturating_add(skew) {
            return Err(OutOfTime { kind: FinishErrorKind::IssuedInFuture, authentic: self, restartable: false });
        }
        let expires_at = self.claims.expires_at();
        if is_over(expires_at, now, timing.skew) {
            // A callback address in a browser's history or a server's log must not start logins for as long as its key opens it.
            let restartable = now < expires_at.saturating_add(timing.lifetime_cap.into());
            return Err(OutOfTime { kind: FinishErrorKind::Expired, authentic: self, restartable });
        }
        Ok(Timely(self))
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::new(&self.claims, self.return_to, self.keys.purpose)
    }
}

/// What the callback's own address tells. `None` is learned from the state.
pub(crate) struct Context<'a> {
    pub(crate) provider: Option<&'a str>,
    pub(crate) tenant: Expected<&'a Tenant>,
    pub(crate) redirect: Expected<&'a str>,
    pub(crate) purpose: Option<crate::name::Purpose>,
}

/// What a callback requires of a value that a state may or may not carry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected<T> {
    /// Learned from the state.
    Any,
    /// Exactly this value; with `None`, a state that carries one is refused.
    Exactly(Option<T>),
}

impl<T> Expected<T> {
    /// Whether what the state carries, or its absence, is what is required.
    fn accepts(self, is_sealed: impl FnOnce(T) -> bool, is_absent: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(Some(expected)) => is_sealed(expected),
            Self::Exactly(None) => is_absent,
        }
    }
}

impl<'a, 't> Timely<'a, 't> {
    pub(crate) fn check_context(self, expected: &Context<'_>) -> Result<InContext<'a, 't>, FinishErrorKind> {
        self.0.in_context(expected)
    }
}

impl<'a, 't> OutOfTime<'a, 't> {
    /// Whether the state would have belonged here, had it come in time: for the offer to start again, and nothing else.
    pub(crate) fn check_context(self, expected: &Context<'_>) -> Result<InContext<'a, 't>, FinishErrorKind> {
        if self.restartable { self.authentic.in_context(expected) } else { Err(self.kind) }
    }
}

impl<'t> Authentic<'t> {
    fn in_context(&self, expected: &Context<'_>) -> Result<InContext<'_, 't>, FinishErrorKind> {
        let claims = &self.claims;
        if expected.purpose.is_some_and(|purpose| purpose != self.keys.purpose) {
            return Err(FinishErrorKind::WrongPurpose);
        }
        // Mix-up: a code of one provider must not go to another's token endpoint (RFC 9700 section 4.4).
        if expected.provider.is_some_and(|provider| provider != claims.provider) {
            return Err(FinishErrorKind::WrongProvider);
        }
        if !expected.redirect.accepts(|redirect| redirect == claims.redirect, claims.redirect.is_empty()) {
            return Err(FinishErrorKind::WrongRedirect);
        }
        // A login of one tenant must not be finished at another tenant's address.
        if !expected.tenant.accepts(|tenant| tenant.as_bytes() == claims.tenant, claims.tenant.is_empty()) {
            return Err(FinishErrorKind::WrongTenant);
        }
        Ok(InContext(self))
    }
}

impl<'a, 't> InContext<'a, 't> {
    pub(crate) fn authentic(self) -> &'a Authentic<'t> {
        self.0
    }

    /// The tag of the signed-in user that the state was begun by.
    pub(crate) fn user_tag(self) -> Option<&'a [u8; TAG_BYTES]> {
        self.0.claims.user_tag.as_ref()
    }
}

#[cfg(test)]
mod tests;
