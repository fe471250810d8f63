//! State text to claims: length, base64url, magic, key, authenticity, strict parse, time.
//!
//! Nothing here waits for anything: no guard, no store and no network is asked before a state has passed all of it.

use crate::claims::codec::Claims;
use crate::claims::{CheckedPath, Origin};
use crate::name::Purpose;
use crate::refusal::{FinishError, FinishErrorKind};
use crate::ring::key::id::KeyId;
use crate::ring::key::ring::Timing;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::{KeyTable, PurposeKeys};
use crate::token::wire::{self, Form, HEAD_BYTES, LONGEST_BYTES, NotAToken};

/// Claims that some holder of the key sealed, and the keys that they were sealed with. Whether their time is now, and whether they
/// belong to this callback, is asked of them.
pub(crate) struct Authentic<'t> {
    pub(crate) keys: &'t PurposeKeys,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) claims: Claims<'t>,
    pub(crate) return_to: Option<CheckedPath<'t>>,
    /// The length of the plaintext, in bytes.
    length: usize,
}

/// A state that was authentic when it was opened: its plaintext, with the id of its key and no key, so that a key that is revoked while
/// somebody waits is noticed.
#[derive(Clone)]
pub(crate) struct Opened {
    plaintext: Plaintext,
    length: usize,
    nonce: [u8; NONCE_BYTES],
    key_id: KeyId,
}

/// What most states hold fits where it lies, so that opening allocates nothing; it is moved often, and should be small.
const SHORT_BYTES: usize = 256;

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "the large one is the usual one, and must not allocate")]
enum Plaintext {
    Short([u8; SHORT_BYTES]),
    Long(Box<[u8]>),
}

impl Opened {
    /// Opens a state; says what it is for, and whether its time is now.
    pub(crate) fn new(
        state: &str,
        keys: &KeyTable,
        now: u64,
    ) -> Result<(Self, Purpose, Result<(), OutOfTime>), FinishError> {
        let mut buffer = [0; LONGEST_BYTES];
        let (nonce, key_id, length, purpose, in_time) = {
            let authentic = authenticate(state, keys, now, &mut buffer)?;
            let in_time = authentic.check_time(now, keys.ring().timing());
            (authentic.nonce, authentic.keys.id, authentic.length, authentic.keys.purpose, in_time)
        };
        let sealed = buffer.get(HEAD_BYTES..HEAD_BYTES.saturating_add(length)).unwrap_or_default();
        let mut short = [0; SHORT_BYTES];
        let plaintext = match short.get_mut(..length) {
            Some(place) => {
                place.copy_from_slice(sealed);
                Plaintext::Short(short)
            }
            None => Plaintext::Long(sealed.into()),
        };
        Ok((Self { plaintext, length, nonce, key_id }, purpose, in_time))
    }

    /// The claims again, with their key, if that still opens at `now`.
    pub(crate) fn under<'t>(&'t self, keys: &'t KeyTable, now: u64) -> Result<Authentic<'t>, FinishErrorKind> {
        let keys = keys.opening(self.key_id, now)?;
        let claims = self.claims()?;
        // It was checked when the state was opened.
        let return_to = (!claims.return_to.is_empty()).then(|| CheckedPath::of(claims.return_to));
        Ok(Authentic { keys, nonce: self.nonce, claims, return_to, length: self.length })
    }

    /// What the state says, of which nothing is verified yet but that it is authentic.
    pub(crate) fn claims(&self) -> Result<Claims<'_>, FinishErrorKind> {
        let plaintext = match &self.plaintext {
            Plaintext::Short(bytes) => bytes.get(..self.length).unwrap_or_default(),
            Plaintext::Long(bytes) => bytes,
        };
        Claims::read(plaintext).map_err(|_| FinishErrorKind::Malformed)
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
    Ok(Authentic { keys, nonce, claims, return_to, length: plaintext.len() })
}

/// Whether a state is expired, allowing for clocks that differ.
pub(crate) fn is_over(expires_at: u64, now: u64, skew: u32) -> bool {
    now >= expires_at.saturating_add(skew.into())
}

/// Why a state is refused for its time, and whether its login may still start again.
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
            // A callback address in a browser's history or a server's log must not start logins for as long as its key opens it.
            let may_restart = now < expires_at.saturating_add(timing.lifetime_cap.into());
            return Err(OutOfTime { kind: FinishErrorKind::Expired, may_restart });
        }
        Ok(())
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::new(&self.claims, self.return_to, self.keys.purpose)
    }
}

#[cfg(test)]
mod tests;
