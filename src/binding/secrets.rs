//! What is derived from a binding: tags, the code_verifier and the OpenID Connect nonce.

use sha2::{Digest, Sha256};

use super::SECRET_BYTES;
use crate::base64url;
use crate::claims::codec::{BindingKind, TAG_BYTES};
use crate::framing::length_prefixed;
use crate::ring::key::derive::HmacKey;
use crate::secret::SecretBytes;
use crate::token::aead::NONCE_BYTES;
use crate::token::wire::MAGIC;

/// Stands where the kind of binding stands, so that a user tag is never a binding tag.
const USER_LABEL: u8 = 4;

/// What one login derives from its binding's secret and its token's nonce, under the token's own key.
///
/// `T1 = HMAC(K_flow, info ‖ 01)`, `T2 = HMAC(K_flow, T1 ‖ info ‖ 02)`, `info = magic ‖ kind ‖ secret ‖ nonce`
/// (the shape of HKDF-Expand, RFC 5869 section 2.3). Neither the URL, nor the cookie, nor the key alone yields the
/// code_verifier, so that PKCE is bound to the user agent (RFC 9700 section 2.1.1).
#[derive(Debug)]
pub(crate) struct FlowSecrets {
    t1: SecretBytes<32>,
    t2: SecretBytes<32>,
}

impl FlowSecrets {
    pub(crate) fn derive(
        flow: &HmacKey,
        kind: BindingKind,
        secret: &[u8; SECRET_BYTES],
        nonce: &[u8; NONCE_BYTES],
    ) -> Self {
        Self::expand(flow, kind, secret, nonce, first_block(flow, kind, secret, nonce))
    }

    pub(super) fn expand(
        flow: &HmacKey,
        kind: BindingKind,
        secret: &[u8; SECRET_BYTES],
        nonce: &[u8; NONCE_BYTES],
        t1: SecretBytes<32>,
    ) -> Self {
        let t2 = flow.tag(&[t1.expose(), &prefix(kind.number()), secret, &counted(nonce, 2)]);
        Self { t1, t2 }
    }

    /// `T1[0..16]`, sealed into the state.
    pub(crate) fn binding_tag(&self) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&self.t1.expose()[..TAG_BYTES]);
        tag
    }

    /// base64url of `T1[16..32] ‖ T2[0..16]`, 43 characters (RFC 7636 section 4.1 takes 43 to 128).
    pub(crate) fn code_verifier(&self) -> String {
        base64url::encode(self.code_verifier_bytes().expose())
    }

    fn code_verifier_bytes(&self) -> SecretBytes<32> {
        let mut bytes = SecretBytes::new([0; 32]);
        let (first, second) = bytes.expose_mut().split_at_mut(16);
        first.copy_from_slice(&self.t1.expose()[16..]);
        second.copy_from_slice(&self.t2.expose()[..16]);
        bytes
    }

    /// base64url of SHA-256 of the verifier's text: `S256` of RFC 7636 section 4.2.
    pub(crate) fn code_challenge(&self) -> String {
        let mut verifier = SecretBytes::<43>::new([0; 43]);
        base64url::encode_into(self.code_verifier_bytes().expose(), verifier.expose_mut());
        base64url::encode(Sha256::digest(verifier.expose()))
    }

    /// base64url of `T2[16..32]`, the OpenID Connect nonce (Core section 15.5.2), 22 characters.
    pub(crate) fn nonce(&self) -> String {
        base64url::encode(&self.t2.expose()[16..])
    }
}

/// `T1`.
pub(super) fn first_block(
    flow: &HmacKey,
    kind: BindingKind,
    secret: &[u8; SECRET_BYTES],
    nonce: &[u8; NONCE_BYTES],
) -> SecretBytes<32> {
    flow.tag(&[&prefix(kind.number()), secret, &counted(nonce, 1)])
}

/// The magic, and the kind of binding or another label.
fn prefix(label: u8) -> [u8; 4] {
    let [first, second, third] = MAGIC;
    [first, second, third, label]
}

/// The nonce and the number of a block.
fn counted(nonce: &[u8; NONCE_BYTES], number: u8) -> [u8; NONCE_BYTES + 1] {
    let mut counted = [number; NONCE_BYTES + 1];
    counted[..NONCE_BYTES].copy_from_slice(nonce);
    counted
}

/// `HMAC(K_flow, magic ‖ 04 ‖ nonce ‖ lp(user id))[..16]`: keeps an attacker from attaching his identity at the
/// provider to the account of whoever follows his link (account-link fixation).
pub(crate) fn user_tag(flow: &HmacKey, nonce: &[u8; NONCE_BYTES], user: &[u8]) -> [u8; TAG_BYTES] {
    let mut framed = Vec::with_capacity(user.len().saturating_add(2));
    length_prefixed(user, &mut framed);
    let mut tag = [0; TAG_BYTES];
    tag.copy_from_slice(&flow.tag(&[&prefix(USER_LABEL), nonce, &framed]).expose()[..TAG_BYTES]);
    tag
}

#[cfg(test)]
mod tests;
