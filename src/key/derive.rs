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

pub(super) fn root_key_id(root: &RootKey) -> RootKeyId {
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
mod tests {
    use super::*;
    use crate::key::material::SAMPLE_KEYS;

    #[test]
    fn a_key_shows_its_kind_alone() {
        assert_eq!(format!("{:?}", HmacKey::new(&[7; 32])), "HmacKey([redacted])");
    }

    /// RFC 4231 section 4.3 has a key of 4 bytes; padded with zeros it is the same HMAC key.
    #[test]
    fn hmac_agrees_with_rfc_4231_test_case_2() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let tag = HmacKey::new(&key).tag(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(tag.expose()[..6], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60]);
        assert_eq!(tag.expose()[26..], [0x58, 0xb9, 0x64, 0xec, 0x38, 0x43][..]);
    }

    /// Key confusion: a state of one purpose, application or environment must not open as another.
    #[test]
    fn every_part_of_the_derivation_changes_the_keys_and_the_id() {
        let root = RootKey::from_public_bytes(SAMPLE_KEYS[0]);
        let other_root = RootKey::from_public_bytes(SAMPLE_KEYS[1]);
        let app = App::new("shop", "production").unwrap();
        let of = |root, purpose, app| (derive(root, "enc", purpose, app), key_id(root, purpose, app));
        let (key, id) = of(&root, Purpose::Login, &app);
        let others = [
            of(&other_root, Purpose::Login, &app),
            of(&root, Purpose::Link, &app),
            of(&root, Purpose::Custom("login"), &app),
            of(&root, Purpose::Login, &App::new("shop", "staging").unwrap()),
            of(&root, Purpose::Login, &App::new("shopp", "roduction").unwrap()),
        ];
        for (other_key, other_id) in others {
            assert_ne!(key.expose(), other_key.expose());
            assert_ne!(id, other_id);
        }
        let labels = ["enc", "sign", "flow", "row", "key-id"];
        let keys = labels.map(|label| *derive(&root, label, Purpose::Login, &app).expose());
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), labels.len(), "one key for two uses");
    }
}
