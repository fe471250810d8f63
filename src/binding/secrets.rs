//! Values derived for one login: tags, the code_verifier, the OpenID Connect nonce and the key of a stored payload
//! (docs/wire-format.md, "Binding").

use sha2::{Digest, Sha256};

use super::SECRET_BYTES;
use crate::base64url;
use crate::claims::codec::{BindingKind, CONNECTION_TAG_BYTES, TAG_BYTES};
use crate::framing::length_prefixed;
use crate::ring::key::derive::HmacKey;
use crate::secret::SecretBytes;
use crate::token::aead::NONCE_BYTES;
use crate::token::wire::{MAGIC, REPLAY_ID_BYTES, replay_id};

/// `magic ‖ kind of binding ‖ secret ‖ replay id`, and space for the label. With the padding of SHA-256 it fills one block.
const CONTEXT_BYTES: usize = MAGIC.len() + 1 + SECRET_BYTES + REPLAY_ID_BYTES + 1;
const _: () = assert!(CONTEXT_BYTES == 53);

/// The last byte of the context, which separates the derived values from each other. 5 is reserved for a DPoP key.
#[derive(Clone, Copy)]
enum Label {
    BindingTag = 1,
    CodeVerifier = 2,
    Nonce = 3,
    RowKey = 6,
}

/// These two take the place of the kind of binding, 0 to 3, so that neither tag equals a value derived from a secret.
const USER_LABEL: u8 = 4;
const CONNECTION_LABEL: u8 = 7;

/// A login's binding secret with its state's replay id. Each value is `HMAC(K_flow, context ‖ label)`, computed on demand.
///
/// The code_verifier needs the URL, the cookie and the key together, so PKCE is bound to the user agent (RFC 9700 section 2.1.1).
#[derive(Debug)]
pub(crate) struct FlowSecrets(SecretBytes<CONTEXT_BYTES>);

impl FlowSecrets {
    pub(crate) fn new(kind: BindingKind, secret: &[u8; SECRET_BYTES], nonce: &[u8; NONCE_BYTES]) -> Self {
        let mut context = SecretBytes::new([0; CONTEXT_BYTES]);
        let bytes = context.expose_mut();
        bytes[..4].copy_from_slice(&prefix(kind.number()));
        bytes[4..36].copy_from_slice(secret);
        bytes[36..52].copy_from_slice(&replay_id(nonce));
        Self(context)
    }

    fn derive(&self, flow: &HmacKey, label: Label) -> [u8; 32] {
        let mut message = self.0.clone();
        message.expose_mut()[CONTEXT_BYTES - 1] = label as u8;
        flow.tag_of_one_block(message.expose())
    }

    /// The tag in the state.
    pub(crate) fn binding_tag(&self, flow: &HmacKey) -> [u8; TAG_BYTES] {
        cut(self.derive(flow, Label::BindingTag))
    }

    /// 43 characters (RFC 7636 section 4.1 allows 43 to 128).
    pub(crate) fn code_verifier(&self, flow: &HmacKey) -> String {
        base64url::encode(SecretBytes::new(self.derive(flow, Label::CodeVerifier)).expose())
    }

    /// base64url of SHA-256 of the verifier's text: `S256` of RFC 7636 section 4.2.
    pub(crate) fn code_challenge(&self, flow: &HmacKey) -> String {
        let mut verifier = SecretBytes::<43>::new([0; 43]);
        let bytes = SecretBytes::new(self.derive(flow, Label::CodeVerifier));
        base64url::encode_into(bytes.expose(), verifier.expose_mut());
        base64url::encode(Sha256::digest(verifier.expose()))
    }

    /// The OpenID Connect nonce (Core section 15.5.2), 43 characters.
    pub(crate) fn nonce(&self, flow: &HmacKey) -> String {
        base64url::encode(self.derive(flow, Label::Nonce))
    }

    /// `K_row`, the key of this login's payload in a store.
    pub(crate) fn row_key(&self, flow: &HmacKey) -> SecretBytes<32> {
        SecretBytes::new(self.derive(flow, Label::RowKey))
    }
}

/// The magic, followed by the kind of binding or another label.
fn prefix(label: u8) -> [u8; 4] {
    let [first, second, third] = MAGIC;
    [first, second, third, label]
}

/// The first bytes of a tag.
fn cut<const N: usize>(tag: [u8; 32]) -> [u8; N] {
    let mut first = [0; N];
    first.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
    first
}

/// `HMAC(K_flow, magic ‖ 04 ‖ nonce ‖ lp(user id))[..16]`: keeps an attacker from attaching their identity at the provider to the
/// account of a user who follows their link (account-link fixation).
pub(crate) fn user_tag(flow: &HmacKey, nonce: &[u8; NONCE_BYTES], user: &[u8]) -> [u8; TAG_BYTES] {
    let mut framed = Vec::with_capacity(user.len().saturating_add(2));
    length_prefixed(user, &mut framed);
    cut(flow.tag(&[&prefix(USER_LABEL), nonce, &framed]))
}

/// The inputs of the connection tag: the recipient of the authorization request and the address of the callback. A missing value is empty.
#[derive(Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) authorization_endpoint: &'a str,
    pub(crate) redirect_uri: &'a str,
}

/// `HMAC(K_flow, magic ‖ 07 ‖ replay id ‖ lp(issuer) ‖ lp(client id) ‖ lp(authorization endpoint) ‖ lp(redirect_uri))[..8]`: if a provider
/// that was loaded at run time changed or was swapped during a login, it must not get a code of the old one (mix-up, RFC 9700 section 4.4).
pub(crate) fn connection_tag(
    flow: &HmacKey,
    nonce: &[u8; NONCE_BYTES],
    connection: Connection<'_>,
) -> [u8; CONNECTION_TAG_BYTES] {
    let Connection { issuer, client_id, authorization_endpoint, redirect_uri } = connection;
    let parts = [issuer, client_id, authorization_endpoint, redirect_uri];
    let mut framed = Vec::with_capacity(parts.iter().map(|part| part.len().saturating_add(2)).sum());
    parts.iter().for_each(|part| length_prefixed(part.as_bytes(), &mut framed));
    cut(flow.tag(&[&prefix(CONNECTION_LABEL), &replay_id(nonce), &framed]))
}

#[cfg(test)]
mod tests;
