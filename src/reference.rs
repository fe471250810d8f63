//! The reference of a login: what a user reads out, and an operator searches for.

use std::fmt;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::base64url;
use crate::random;

/// Crockford's base 32: no I, L, O or U, which are easily misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Where the characters of a state stand that hold the first bytes of its nonce, which are the bytes 7 to 10: four characters hold three
/// bytes.
const AROUND: Range<usize> = 8..16;
/// The bytes that these characters hold, from the byte 6 on.
const AROUND_BYTES: usize = 6;

/// A short name of one login, such as `7K2P-9Q`: the same at its start, at its callback, in spans, events and logs, on the user's error
/// page, and in `oauth-state inspect`.
///
/// It consists of the first 30 bits of the state's nonce, which is public and random. A state that was changed or cut short keeps its
/// reference, and a text of another kind gets the first bits of its SHA-256. A callback without a state gets a random one.
///
/// # Security
///
/// It proves nothing and is not unique: anyone can make a state with the reference of another, and of a million logins about 500 pairs
/// share one. Search for it together with the time. It tells nobody anything about the state that the state does not show.
///
/// # Examples
///
/// ```
/// use oauth_state::observe::Reference;
/// use oauth_state::testing::{self, TestBrowser};
/// use oauth_state::{Expect, Login};
/// let flow = testing::flow();
/// let begun = flow.begin(TestBrowser::default().binding(), Login::with("github"))?;
/// let reference = Reference::of(&begun.state);
/// assert_eq!(reference.to_string().len(), "7K2P-9Q".len());
///
/// let (browser, other) = (TestBrowser::follow(&begun), TestBrowser::default());
/// let refused = flow.check(other.binding(), Expect::provider("github"), browser.callback()).unwrap_err();
/// assert_eq!(refused.reference(), reference);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference([u8; 4]);

impl Reference {
    /// The reference of a login by the text of its `state` parameter, whatever a callback with it would be answered.
    #[must_use]
    pub fn of(state: &str) -> Self {
        Self::of_token(state).unwrap_or_else(|| {
            let digest: [u8; 32] = Sha256::digest(state).into();
            let [first, second, third, fourth, ..] = digest;
            Self([first, second, third, fourth])
        })
    }

    /// The reference of the login with this nonce.
    pub(crate) fn of_nonce(nonce: &[u8; 24]) -> Self {
        let [first, second, third, fourth, ..] = *nonce;
        Self([first, second, third, fourth])
    }

    /// The first bytes of the nonce, read from the characters around them, so that nothing behind them matters.
    fn of_token(text: &str) -> Option<Self> {
        // `ost1`, `oss1`, and the handles of each store.
        let [b'o', b's', _, b'1', ..] = text.as_bytes() else { return None };
        let mut bytes = [0; AROUND_BYTES];
        base64url::decode_onto(text.as_bytes().get(AROUND)?, &mut bytes).ok()?;
        let [_, first, second, third, fourth, _] = bytes;
        Some(Self([first, second, third, fourth]))
    }

    /// For a callback that has no state.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 4];
        // Without randomness it names no login in particular.
        let _ = random::operating_system(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u32::from_be_bytes(self.0);
        let character =
            |shift: u32| ALPHABET.get((bits >> shift & 0x1f) as usize).map_or('-', |byte| char::from(*byte));
        let [a, b, c, d, e, g] = [27, 22, 17, 12, 7, 2].map(character);
        f.pad(&String::from_iter([a, b, c, d, '-', e, g]))
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
