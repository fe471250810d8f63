//! Access for the fuzz targets in `fuzz/` beyond the public interface. It is built under `cfg(fuzzing)` only, and turns no check off: it
//! seals the fuzzer's bytes under a key from the fuzzer, and exposes the parsers after the AEAD.

use crate::base64url;
use crate::binding::{Binding, FlowSecrets, Holder};
use crate::callback::{Callback, Way};
use crate::claims::codec::{BindingKind, Claims};
use crate::cookie::{BrowserCookie, CookieFamilies, CookieKind, CookieName};
use crate::inspect::ParseStateError;
use crate::name::{App, Purpose};
use crate::ring::key::id::KeyId;
use crate::ring::key::{KeyRing, RootKeyId};
use crate::ring::source::document;
use crate::secret::SecretBytes;
use crate::token::keys::{KeyTable, PurposeKeys};
use crate::token::wire::{self, Form, LONGEST_BYTES};

/// Seals any bytes, as a server of another release might.
#[derive(Debug)]
pub struct Sealer {
    table: KeyTable,
    now: u64,
}

impl Sealer {
    /// For encrypted states, with the key that seals at `now`; `None` if there is none.
    #[must_use]
    pub fn new(ring: KeyRing, app: &App, purposes: &[Purpose], now: u64) -> Option<Self> {
        let table = KeyTable::new(ring, purposes, app, Form::Sealed).ok()?;
        Some(Self { table, now })
    }

    /// For signed states.
    #[must_use]
    pub fn signed(ring: KeyRing, app: &App, purposes: &[Purpose], now: u64) -> Option<Self> {
        let table = KeyTable::new(ring, purposes, app, Form::Signed).ok()?;
        Some(Self { table, now })
    }

    fn keys(&self, purpose: Purpose) -> Option<&PurposeKeys> {
        self.table.sealing(purpose, self.now)
    }

    /// A state with this plaintext, whatever it contains.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, nonce: &[u8; 24], plaintext: &[u8]) -> Option<String> {
        let keys = self.keys(purpose)?;
        let mut bytes = Vec::new();
        wire::write_head(keys.form, keys.id, nonce, &mut bytes);
        bytes.extend_from_slice(plaintext);
        keys.seal(nonce, &mut bytes).ok()?;
        Some(base64url::encode(&bytes))
    }

    /// The binding tag of a login that is bound to this session.
    #[must_use]
    pub fn session_tag(&self, purpose: Purpose, session: &Binding<'_>, nonce: &[u8; 24]) -> Option<[u8; 16]> {
        let Holder::Session(secret) = &session.holder else { return None };
        let flow = &self.keys(purpose)?.flow;
        Some(FlowSecrets::new(BindingKind::Session, secret.expose(), nonce).binding_tag(flow))
    }
}

/// The parts of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The first four characters of its form.
    pub form: &'static str,
    /// The key that it names.
    pub key_id: [u8; 4],
    /// Its nonce.
    pub nonce: [u8; 24],
    /// The sealed text: the plaintext itself in a signed token.
    pub text: Vec<u8>,
    /// The authentication tag: 16 bytes, 32 in a signed token.
    pub tag: Vec<u8>,
}

impl Token {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// Why it is not a token.
    pub fn read(text: &str) -> Result<Self, ParseStateError> {
        let mut buffer = [0; LONGEST_BYTES];
        let token = wire::read(text, &mut buffer)?;
        let form = token.form.prefix();
        let (text, tag) = (token.text.to_vec(), token.tag.as_bytes().to_vec());
        Ok(Self { form, key_id: token.key_id.0, nonce: token.nonce, text, tag })
    }

    /// Its text; `None` for an unknown form.
    #[must_use]
    pub fn print(&self) -> Option<String> {
        let mut bytes = Vec::new();
        wire::write_head(Form::of_prefix(self.form)?, KeyId(self.key_id), &self.nonce, &mut bytes);
        bytes.extend_from_slice(&self.text);
        bytes.extend_from_slice(&self.tag);
        Some(base64url::encode(&bytes))
    }
}

/// A plaintext's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plaintext<'a> {
    /// When the state was sealed, in Unix seconds.
    pub issued_at: u32,
    /// The lifetime in seconds.
    pub lifetime: u16,
    /// The number of restarts.
    pub restarts: u8,
    /// The kind of binding, 0 to 3.
    pub kind: u8,
    /// The tag of the binding.
    pub binding_tag: [u8; 16],
    /// The tag of the user who started it.
    pub user_tag: Option<[u8; 16]>,
    /// The tag of a provider that was loaded at run time.
    pub connection_tag: Option<[u8; 8]>,
    /// The provider's id.
    pub provider: &'a str,
    /// The tenant.
    pub tenant: &'a [u8],
    /// The redirect's id.
    pub redirect: &'a str,
    /// The return path.
    pub return_to: &'a str,
    /// The application's data.
    pub data: &'a [u8],
}

impl<'a> Plaintext<'a> {
    const KINDS: [BindingKind; 4] =
        [BindingKind::Unbound, BindingKind::Cookie, BindingKind::Session, BindingKind::LoginSecret];

    /// Reads a plaintext; `None` if it is malformed.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let claims = Claims::read(bytes).ok()?;
        let Claims { issued_at, lifetime, restarts, kind, binding_tag, user_tag, connection_tag, .. } = claims;
        let Claims { provider, tenant, redirect, return_to, data, .. } = claims;
        let kind = kind.number();
        Some(Self {
            issued_at,
            lifetime,
            restarts,
            kind,
            binding_tag,
            user_tag,
            connection_tag,
            provider,
            tenant,
            redirect,
            return_to,
            data,
        })
    }

    /// Writes it; `None` for an unknown kind of binding.
    #[must_use]
    pub fn write(&self) -> Option<Vec<u8>> {
        let Self { issued_at, lifetime, restarts, kind, binding_tag, user_tag, connection_tag, .. } = *self;
        let Self { provider, tenant, redirect, return_to, data, .. } = *self;
        let kind = *Self::KINDS.get(usize::from(kind))?;
        let claims = Claims {
            issued_at,
            lifetime,
            restarts,
            kind,
            binding_tag,
            user_tag,
            connection_tag,
            provider,
            tenant,
            redirect,
            return_to,
            data,
        };
        let mut bytes = Vec::new();
        claims.write_without_data(&mut bytes);
        bytes.extend_from_slice(data);
        Some(bytes)
    }
}

/// A cookie's suffix and its secret.
pub type Pair = ([u8; 8], [u8; 32]);

/// The cookies of an application, for query or for form_post.
#[derive(Debug)]
pub struct Cookies(CookieFamilies, CookieKind);

impl Cookies {
    /// The family.
    #[must_use]
    pub fn new(app: &App, form_post: bool) -> Self {
        Self(
            CookieFamilies::new(app, true, &CookieName::Host),
            if form_post { CookieKind::None } else { CookieKind::Lax },
        )
    }

    /// The cookies that a callback would try, in order.
    #[must_use]
    pub fn find<'h>(&self, headers: impl Iterator<Item = &'h [u8]>) -> Vec<Pair> {
        let found = self.0.find(self.1, headers);
        found.iter().map(|cookie| (cookie.suffix, *cookie.secret.expose())).collect()
    }

    /// The `Set-Cookie` header for a cookie.
    #[must_use]
    pub fn set(&self, (suffix, secret): Pair) -> String {
        self.0.set_cookie(self.1, &BrowserCookie { suffix, secret: SecretBytes::new(secret) }, 3720)
    }
}

/// Every parameter of a callback, decoded.
#[must_use]
pub fn fields(callback: &Callback) -> Vec<(&str, &str)> {
    callback.fields().collect()
}

/// Whether the callback claims to come from this crate's re-post page.
#[must_use]
pub fn is_reposted(callback: &Callback) -> bool {
    callback.way == Way::Reposted
}

/// The ids that the scan finds in a document, whatever else is wrong with it.
#[must_use]
pub fn revocations(document: &[u8]) -> Vec<RootKeyId> {
    document::scan(document)
}
