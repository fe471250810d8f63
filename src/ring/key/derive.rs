//! Derivation of a purpose's keys from a root key (docs/wire-format.md, "Keys").

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sha2::block_api::compress256;
use zeroize::Zeroizing;

use super::id::{KeyId, RootKeyId};
use super::material::{RootKey, RootKeyError, refuse_what_is_not_random};
use crate::framing::length_prefixed;
use crate::name::{App, Purpose};
use crate::secret::SecretBytes;

/// Bytes of a block of SHA-256.
const BLOCK_BYTES: usize = 64;
/// The initial state of SHA-256 (FIPS 180-4 section 5.3.3).
const INITIAL_STATE: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

type State = [u32; 8];

/// HMAC-SHA256 (RFC 2104) with its key already absorbed.
#[derive(Clone)]
pub(crate) struct HmacKey {
    any_length: Hmac<Sha256>,
    /// The states of SHA-256 after the key's inner and its outer block, for messages of one block.
    inner: Zeroizing<State>,
    outer: Zeroizing<State>,
}

impl HmacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // A key of 32 bytes is shorter than the block, so `new` never fails; `new_from_slice` could.
        let mut block = SecretBytes::new([0; BLOCK_BYTES]);
        block.expose_mut().iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let absorbed = |pad: u8| {
            let padded = SecretBytes::new(block.expose().map(|byte| byte ^ pad));
            let mut state = Zeroizing::new(INITIAL_STATE);
            compress256(&mut state, std::slice::from_ref(padded.expose()));
            state
        };
        Self { inner: absorbed(0x36), outer: absorbed(0x5c), any_length: Hmac::new(block.expose().into()) }
    }

    /// The tag of the concatenation of `parts`.
    pub(crate) fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.any_length.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    /// The tag of a message of at most 55 bytes, which fits in one block with its padding. It gives the same tag without the buffers for
    /// longer messages. A login needs two or three of these tags at each end.
    pub(crate) fn tag_of_one_block<const N: usize>(&self, message: &[u8; N]) -> [u8; 32] {
        digest_of_one_block(&self.outer, &digest_of_one_block(&self.inner, message))
    }
}

/// SHA-256 of a message whose first block has been absorbed into `state` (FIPS 180-4 sections 5.1.1 and 6.2).
fn digest_of_one_block<const N: usize>(state: &State, message: &[u8; N]) -> [u8; 32] {
    let bits = const {
        assert!(N <= 55);
        ((BLOCK_BYTES + N) * 8) as u64
    };
    let mut block = SecretBytes::new([0; BLOCK_BYTES]);
    let (text, padding) = block.expose_mut().split_at_mut(N);
    text.copy_from_slice(message);
    padding.iter_mut().take(1).for_each(|end| *end = 0x80);
    block.expose_mut()[56..].copy_from_slice(&bits.to_be_bytes());
    let mut state = *state;
    compress256(&mut state, std::slice::from_ref(block.expose()));
    let mut digest = [0; 32];
    digest.chunks_exact_mut(4).zip(state).for_each(|(to, word)| to.copy_from_slice(&word.to_be_bytes()));
    digest
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey([redacted])")
    }
}

/// The key id is derived from the same inputs as the keys, so one id never names two keys, and a look-up yields the purpose without trying
/// to decrypt (no trial decryption, no key confusion).
pub(crate) fn key_id(root: &RootKey, purpose: Purpose, app: &App) -> KeyId {
    let bytes = derive(root, "key-id", purpose, app);
    let [a, b, c, d, ..] = *bytes.expose();
    KeyId([a, b, c, d])
}

impl RootKey {
    /// Derives a key from secret key material that a service already has, such as the secret of its sessions: HKDF-SHA256 (RFC 5869)
    /// without a salt, with a label of this crate. The key differs from the material, and reveals nothing of it.
    ///
    /// # Errors
    ///
    /// [`RootKeyError`] for fewer than 32 bytes, and for bytes that cannot be random: decode a hex or base64 text first.
    ///
    /// # Security
    ///
    /// A derived key changes only with its material: to revoke one, you have to replace the other. Prefer [`RootKey::generate`] and a
    /// separate key.
    pub fn derive_from_key_material(material: &[u8]) -> Result<Self, RootKeyError> {
        refuse_what_is_not_random(material)?;
        Ok(Self::from_derived(hkdf(material, b"oauth-state/v1/root-key")))
    }

    /// The public name of this key, the same on every server: 8 bytes derived from it.
    #[must_use]
    pub fn id(&self) -> RootKeyId {
        root_key_id(self)
    }
}

/// HKDF-SHA256 without a salt (RFC 5869 sections 2.2 and 2.3), one block.
fn hkdf(material: &[u8], info: &[u8]) -> SecretBytes<32> {
    let pseudorandom_key = SecretBytes::new(HmacKey::new(&[0; 32]).tag(&[material]));
    SecretBytes::new(HmacKey::new(pseudorandom_key.expose()).tag(&[info, &[1]]))
}

fn root_key_id(root: &RootKey) -> RootKeyId {
    let mut message = Vec::with_capacity(40);
    length_prefixed(b"oauth-state/v1/root-key-id", &mut message);
    let [a, b, c, d, e, f, g, h, ..] = HmacKey::new(root.expose()).tag(&[&message]);
    RootKeyId([a, b, c, d, e, f, g, h])
}

/// HMAC-SHA256(root, lp(label) ‖ lp(purpose) ‖ lp(application) ‖ lp(environment)), a one-block KDF in the style of SP 800-108r1 section
/// 4.1. Different labels keep a derived key from being used for another purpose.
pub(crate) fn derive(root: &RootKey, label: &str, purpose: Purpose, app: &App) -> SecretBytes<32> {
    let mut message = Vec::with_capacity(160);
    length_prefixed(format!("oauth-state/v1/{label}").as_bytes(), &mut message);
    purpose.frame_with(app, &mut message);
    SecretBytes::new(HmacKey::new(root.expose()).tag(&[&message]))
}

#[cfg(test)]
mod tests;
