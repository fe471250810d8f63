//! From a root key to the keys of one purpose (docs/wire-format.md, "Keys").

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::id::{KeyId, RootKeyId};
use super::material::RootKey;
use crate::framing::length_prefixed;
use crate::name::{App, Purpose};
use crate::secret::SecretBytes;

/// HMAC-SHA256 (RFC 2104) with its key already absorbed.
#[derive(Clone)]
pub(crate) struct HmacKey(Hmac<Sha256>);

impl HmacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // A key of 32 bytes is shorter than the block, so that `new` never fails; `new_from_slice` would.
        let mut block = zeroize::Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self(Hmac::new((&*block).into()))
    }

    /// The tag of the concatenation of `parts`.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> SecretBytes<32> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        SecretBytes::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey([redacted])")
    }
}

/// The key id is derived from all that the keys are derived from: one id cannot mean two keys, and a look-up yields
/// the purpose without trying to decrypt (no trial decryption, no key confusion).
pub(crate) fn key_id(root: &RootKey, purpose: Purpose, app: &App) -> KeyId {
    let bytes = derive(root, "key-id", purpose, app);
    let [a, b, c, d, ..] = *bytes.expose();
    KeyId([a, b, c, d])
}

impl RootKey {
    /// The public name of this key, the same on every server: 8 bytes derived from it.
    #[must_use]
    pub fn id(&self) -> RootKeyId {
        root_key_id(self)
    }
}

fn root_key_id(root: &RootKey) -> RootKeyId {
    let mut message = Vec::with_capacity(40);
    length_prefixed(b"oauth-state/v1/root-key-id", &mut message);
    let [a, b, c, d, e, f, g, h, ..] = *HmacKey::new(root.expose()).tag(&[&message]).expose();
    RootKeyId([a, b, c, d, e, f, g, h])
}

/// HMAC-SHA256(root, lp(label) ‖ lp(purpose) ‖ lp(application) ‖ lp(environment)), a one-block KDF in the manner of
/// SP 800-108r1 section 4.1. Distinct labels keep one derived key from ever serving for another.
pub(crate) fn derive(root: &RootKey, label: &str, purpose: Purpose, app: &App) -> SecretBytes<32> {
    let mut message = Vec::with_capacity(160);
    length_prefixed(format!("oauth-state/v1/{label}").as_bytes(), &mut message);
    purpose.frame_with(app, &mut message);
    HmacKey::new(root.expose()).tag(&[&message])
}

#[cfg(test)]
mod tests;
