//! Inspection of a state for support: its contents, and why it would be refused. It uses the same look-up, opening and time checks as a
//! callback, and returns nothing that could accept a login.

mod unverified;

use std::fmt;
use std::time::SystemTime;

pub use crate::flow::PublicData;
pub use unverified::UnverifiedClaims;

use crate::claims::Origin;
use crate::claims::codec::BindingKind;
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::flow::ConfigError;
use crate::name::{App, Purpose};
use crate::open;
use crate::reference::Reference;
use crate::refusal::FinishError;
use crate::ring::key::derive::key_id;
use crate::ring::key::id::KeyId;
use crate::ring::key::ring::RingKey;
use crate::ring::key::{KeyRing, KeyRole, RootKeyId};
use crate::token::keys::KeyTable;
use crate::token::wire::{self, Form, LONGEST_BYTES};

/// The longest state that is read, in characters.
pub const LONGEST_STATE: usize = wire::LONGEST_TEXT;

/// Whether a text looks like a state of this crate, of any flow or store, judged by its first characters, its length and its alphabet.
/// Nothing is decoded.
#[must_use]
pub fn is_state(text: &str) -> bool {
    Form::of_prefix(text).is_some_and(|form| form.is_form_of(text))
}

/// The outer form of a state, readable without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateForm {
    /// The length of the text.
    pub characters: usize,
    /// The decoded length: three bytes for every four characters.
    pub bytes: usize,
    /// The id of the derived key that sealed it, four bytes: one for each root key, purpose, application and environment.
    pub key_id: [u8; 4],
    form: Form,
}

impl StateForm {
    /// Reads length, alphabet and magic, as a callback does. Nothing of it is authentic.
    ///
    /// # Errors
    ///
    /// [`ParseStateError`] says why the text is not a state.
    pub fn read(state: &str) -> Result<Self, ParseStateError> {
        let mut buffer = [0; LONGEST_BYTES];
        let token = wire::read(state, &mut buffer)?;
        let bytes = token.text.len().saturating_add(token.form.around_bytes());
        Ok(Self { characters: state.len(), bytes, key_id: token.key_id.0, form: token.form })
    }

    /// The first four characters: `ost1` for a state that carries everything, `oss1` for a signed one, which anyone can read; `osm1`,
    /// `osr1`, `osp1` and `osx1` for a handle to a row in memory, in Redis, in Postgres or in a store of your own.
    #[must_use]
    pub fn prefix(&self) -> &'static str {
        self.form.prefix()
    }
}

/// Why a text is not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseStateError {
    /// Longer than 2,048 characters.
    TooLong,
    /// It has a character outside base64url, has padding, or is a second spelling of the same bytes.
    NotBase64Url,
    /// It starts with none of this crate's prefixes, such as `ost1`.
    OtherMagic,
    /// It starts like a state, but is cut short.
    TooShort,
}

impl ParseStateError {
    /// A stable word for it, such as `too_long`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotBase64Url => "not_base64url",
            Self::OtherMagic => "other_magic",
            Self::TooShort => "too_short",
        }
    }
}

impl fmt::Display for ParseStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 2048 characters",
            Self::NotBase64Url => {
                "it is not canonical base64url: a character was changed, added, cut off or decoded once too often"
            }
            Self::OtherMagic => {
                "it starts with none of ost1, oss1, osm1, osr1, osp1, osx1: another system's state, or the wrong parameter"
            }
            Self::TooShort => "it starts like a state, but is cut short",
        })
    }
}

impl std::error::Error for ParseStateError {}

impl From<wire::NotAToken> for ParseStateError {
    fn from(refused: wire::NotAToken) -> Self {
        match refused {
            wire::NotAToken::TooLong => Self::TooLong,
            wire::NotAToken::NotBase64Url => Self::NotBase64Url,
            wire::NotAToken::TooShort => Self::TooShort,
            wire::NotAToken::OtherMagic => Self::OtherMagic,
        }
    }
}

/// The information about a state for the holder of the keys; [`KeyRing::inspect`] makes it.
///
/// It contains neither a code_verifier nor a nonce, and no way to compute them. A text that is not a state has no `contents` and is refused
/// as `malformed`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Its outer form.
    pub form: Result<StateForm, ParseStateError>,
    /// The login's reference, as in spans, logs and error pages.
    pub reference: Reference,
    /// The root key that sealed it, and the purpose; `None` if no key of the ring did, for this application and environment.
    pub sealed_by: Option<SealedBy>,
    /// Its contents, if it is authentic. Under a revoked key an attacker may have made it.
    pub contents: Option<StateContents>,
    /// Why a callback would refuse it at that time. `None` does not mean that it would be accepted: the binding, the provider, tenant,
    /// redirect and `iss` that the callback expects, and earlier uses are not known here.
    pub refused: Option<FinishError>,
}

/// The key of a ring that a state names. See [`KeyRing::inspect`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedBy {
    /// The root key's public id.
    pub id: RootKeyId,
    /// Its role at that time.
    pub role: KeyRole,
    /// The time until which the key opens states, if another key is to follow it and it is not revoked.
    pub accept_until: Option<SystemTime>,
    /// The purpose that the state was sealed for.
    pub purpose: Purpose,
}

/// The contents of an authentic state. See [`KeyRing::inspect`] for an example.
#[derive(Clone)]
#[non_exhaustive]
pub struct StateContents {
    /// Provider, tenant, redirect, return path, purpose, restarts and the time of issue.
    pub origin: Origin,
    /// When it expires, by the clock of the server that issued it; a callback adds the ring's skew.
    pub expires_at: SystemTime,
    /// The binding of the login.
    pub bound_by: BoundBy,
    /// Whether it belongs to a user who was signed in when it started.
    pub has_user: bool,
    /// Whether its provider is one that the application loads at run time.
    pub is_connection: bool,
    /// Your own data, as JSON; empty if there is none. It may be personal.
    pub data: Vec<u8>,
}

/// The binding of a login. `Display` writes it in lowercase words, such as `login secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundBy {
    /// Nothing.
    Nothing,
    /// A cookie of this crate.
    Cookie,
    /// A session of the application.
    Session,
    /// A secret that the client stores.
    LoginSecret,
}

impl fmt::Display for BoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Cookie => "cookie",
            Self::Session => "session",
            Self::LoginSecret => "login secret",
        })
    }
}

impl From<BindingKind> for BoundBy {
    fn from(kind: BindingKind) -> Self {
        match kind {
            BindingKind::Unbound => Self::Nothing,
            BindingKind::Cookie => Self::Cookie,
            BindingKind::Session => Self::Session,
            BindingKind::LoginSecret => Self::LoginSecret,
        }
    }
}

impl fmt::Debug for StateContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateContents")
            .field("origin", &self.origin)
            .field("expires_at", &self.expires_at)
            .field("bound_by", &self.bound_by)
            .field("has_user", &self.has_user)
            .field("is_connection", &self.is_connection)
            .field("data", &format_args!("{} bytes, [redacted]", self.data.len()))
            .finish()
    }
}

impl KeyRing {
    /// The contents of a state, and why a callback of `app` that accepts `purposes` would refuse it at `now`. For support and for the
    /// command line.
    ///
    /// A state of a retired or revoked key is opened as well, so that you can see when and for what it was started;
    /// [`Inspection::refused`] then says what a callback would say.
    ///
    /// # Security
    ///
    /// Never accept a login by it. It does not verify the binding, and asks no guard: anyone with a copy of the state would be let in. A
    /// state is a live credential until it expires; keep it out of command lines, tickets and logs.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Name`] for a custom purpose that breaks the rule for names, and [`ConfigError::KeyIdCollision`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oauth_state::inspect::BoundBy;
    /// use oauth_state::ring::KeyRole;
    /// use oauth_state::{App, Binding, Login, Purpose, testing};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let (ring, app) = (testing::ring(), App::new("shop", "test")?); // those of testing::flow
    /// let state = testing::flow().begin(Binding::session(&[7; 16])?, Login::with("github"))?.state;
    ///
    /// let fresh = ring.inspect(&state, &app, &[Purpose::Login], SystemTime::now())?;
    /// let (sealed_by, contents) = (fresh.sealed_by.unwrap(), fresh.contents.unwrap());
    /// assert_eq!((sealed_by.role, sealed_by.purpose), (KeyRole::Active, Purpose::Login));
    /// assert_eq!((contents.origin.provider.as_str(), contents.bound_by), ("github", BoundBy::Session));
    /// assert!(fresh.refused.is_none());
    ///
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// assert_eq!(ring.inspect(&state, &app, &[Purpose::Login], tomorrow)?.refused.unwrap().code(), "expired");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect(
        &self,
        state: &str,
        app: &App,
        purposes: &[Purpose],
        now: SystemTime,
    ) -> Result<Inspection, ConfigError> {
        purposes.iter().try_for_each(|purpose| purpose.check())?;
        let now = unix_seconds(now);
        let form = StateForm::read(state);
        let table = KeyTable::new(self.clone(), purposes, app, form.map_or(Form::Sealed, |form| form.form))?;
        let named = form.ok().and_then(|form| self.named(KeyId(form.key_id), app, purposes));
        let reference = Reference::of(state);
        Ok(Inspection {
            form,
            reference,
            sealed_by: named.map(|(index, key, purpose)| {
                let (role, until) = (self.role(index, now), self.accept_until(index));
                let ends = until < u64::MAX && role != KeyRole::Revoked;
                SealedBy { id: key.id, role, accept_until: ends.then(|| from_unix_seconds(until)), purpose }
            }),
            contents: named.and_then(|(_, key, purpose)| self.contents(state, key, purpose, app)),
            refused: self.refusal(state, &table, now).map(|refused| refused.with_reference(reference)),
        })
    }

    /// The root key and the purpose of a key id, whatever the key's role.
    fn named(&self, id: KeyId, app: &App, purposes: &[Purpose]) -> Option<(usize, &RingKey, Purpose)> {
        let known = || Purpose::STANDARD.iter().chain(purposes);
        self.keys().iter().enumerate().find_map(|(index, key)| {
            let purpose = known().find(|purpose| key_id(&key.root, **purpose, app) == id)?;
            Some((index, key, *purpose))
        })
    }

    /// Opens the state as a callback does, under a ring in which only this key opens, for this purpose.
    fn contents(&self, state: &str, key: &RingKey, purpose: Purpose, app: &App) -> Option<StateContents> {
        let alone = RingKey { revoked: false, ..key.clone() };
        let alone = Self::from_parts(self.serial(), self.timing(), vec![alone], Vec::new());
        let table = KeyTable::new(alone, &[purpose], app, StateForm::read(state).ok()?.form).ok()?;
        let mut buffer = [0; LONGEST_BYTES];
        let authentic = open::authenticate(state, &table, key.seal_from, &mut buffer).ok()?;
        Some(StateContents {
            origin: authentic.origin(),
            expires_at: from_unix_seconds(authentic.claims.expires_at()),
            bound_by: authentic.claims.kind.into(),
            has_user: authentic.claims.user_tag.is_some(),
            is_connection: authentic.claims.connection_tag.is_some(),
            data: authentic.claims.data.to_vec(),
        })
    }

    /// The callback's own checks, as far as they need only the state.
    fn refusal(&self, state: &str, table: &KeyTable, now: u64) -> Option<FinishError> {
        let mut buffer = [0; LONGEST_BYTES];
        match open::authenticate(state, table, now, &mut buffer) {
            Ok(authentic) => authentic.check_time(now, self.timing()).err().map(|out_of_time| out_of_time.kind.into()),
            Err(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
