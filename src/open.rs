//! From the state's text to claims: length, base64url, magic, key, authenticity, strict parse, time.
//!
//! Nothing here does I/O: a state must pass all of this before a guard, a store or the network is asked.

use crate::claims::codec::Claims;
use crate::claims::{CheckedPath, Origin};
use crate::reference::Reference;
use crate::refusal::{FinishError, FinishErrorKind};
use crate::ring::key::id::KeyId;
use crate::ring::key::ring::Timing;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::{KeyTable, PurposeKeys};
use crate::token::wire::{self, Form, LONGEST_BYTES, NotAToken};

/// Claims that a holder of the key sealed, with the keys that they were sealed with. Time, and whether they belong to this callback, are
/// checked later.
pub(crate) struct Authentic<'t> {
    pub(crate) keys: &'t PurposeKeys,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) claims: Claims<'t>,
    pub(crate) return_to: Option<CheckedPath<'t>>,
    plaintext: &'t [u8],
}

/// The plaintext of a state that was authentic when it was opened, with the id of its key but not the key: this way a key that is revoked
/// while the application loads something is noticed.
pub(crate) struct Opened {
    plaintext: Box<[u8]>,
    nonce: [u8; NONCE_BYTES],
    key_id: KeyId,
}

impl Opened {
    pub(crate) fn of(authentic: &Authentic<'_>) -> Self {
        Self { plaintext: authentic.plaintext.into(), nonce: authentic.nonce, key_id: authentic.keys.id }
    }

    pub(crate) fn reference(&self) -> Reference {
        Reference::of_nonce(&self.nonce)
    }

    /// The claims with their key, if it still opens at `now`.
    pub(crate) fn under<'t>(&'t self, keys: &'t KeyTable, now: u64) -> Result<Authentic<'t>, FinishErrorKind> {
        let keys = keys.opening(self.key_id, now)?;
        let claims = self.claims()?;
        // The path was checked when the state was opened.
        let return_to = (!claims.return_to.is_empty()).then(|| CheckedPath::of(claims.return_to));
        Ok(Authentic { keys, nonce: self.nonce, claims, return_to, plaintext: &self.plaintext })
    }

    /// The contents of the state, which is authentic; nothing else is verified yet.
    pub(crate) fn claims(&self) -> Result<Claims<'_>, FinishErrorKind> {
        Claims::read(&self.plaintext).map_err(|_| FinishErrorKind::Malformed)
    }
}

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
            "the state is of another store's form: the login was started with another kind of store than this callback's"
        };
        return Err(FinishError::because(FinishErrorKind::Malformed, diagnosis));
    }
    let (keys, nonce) = (keys.opening(token.key_id, now)?, token.nonce);
    let plaintext = keys.open(token).map_err(|_| FinishErrorKind::Forged)?;
    let malformed = || {
        FinishError::because(
            FinishErrorKind::Malformed,
            "failed to read an authentic state: it was sealed by a newer release, or by another implementation",
        )
    };
    let claims = Claims::read(plaintext).map_err(|_| malformed())?;
    // Check again at this end: a server of another release, or with other rules, may have sealed it.
    let return_to = match claims.return_to {
        "" => None,
        path => Some(CheckedPath::parse(path).map_err(|_| malformed())?),
    };
    if keys.purpose.needs_user() && claims.user_tag.is_none() {
        return Err(malformed());
    }
    Ok(Authentic { keys, nonce, claims, return_to, plaintext })
}

/// Whether a state has expired, with an allowance for clock differences.
pub(crate) fn is_over(expires_at: u64, now: u64, skew: u32) -> bool {
    now >= expires_at.saturating_add(skew.into())
}

/// Why a state is refused for its time, and whether its login may still restart.
pub(crate) struct OutOfTime {
    pub(crate) kind: FinishErrorKind,
    pub(crate) may_restart: bool,
}

impl Authentic<'_> {
    /// `issued_at ≤ now + skew` and `now < issued_at + lifetime + skew`, in 64 bits, which do not overflow.
    pub(crate) fn check_time(&self, now: u64, timing: Timing) -> Result<(), OutOfTime> {
        let skew = u64::from(timing.skew);
        if u64::from(self.claims.issued_at) > now.saturating_add(skew) {
            return Err(OutOfTime { kind: FinishErrorKind::IssuedInFuture, may_restart: false });
        }
        let expires_at = self.claims.expires_at();
        if is_over(expires_at, now, timing.skew) {
            // Otherwise a callback URL in a browser's history or a server's log could start logins for as long as its key opens it.
            let may_restart = now < expires_at.saturating_add(timing.lifetime_cap.into());
            return Err(OutOfTime { kind: FinishErrorKind::Expired, may_restart });
        }
        Ok(())
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::new(&self.claims, self.return_to, self.keys.purpose, Reference::of_nonce(&self.nonce))
    }
}

#[cfg(test)]
mod tests;
