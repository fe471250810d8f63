//! The keys that a flow seals and opens with, found by the key id in a token.

use super::aead::{NONCE_BYTES, NotAuthentic, Xaes256Gcm};
use super::signed::SigningKey;
use super::wire::{self, Form, HEAD_BYTES, Tag, Unverified};
use crate::name::{App, Purpose};
use crate::refusal::FinishErrorKind;
use crate::ring::key::derive::{HmacKey, derive, key_id};
use crate::ring::key::id::KeyId;
use crate::ring::key::ring::{KeyRing, KeyRole, RingKey, Timing};

/// The names of application and environment that a key was derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of the flow.
    Own,
    /// Those of [`AcceptedApp`].
    Accepted,
}

/// Another application whose states a table opens during a renaming, but never seals.
#[derive(Clone, Debug)]
pub(crate) struct AcceptedApp {
    pub(crate) app: App,
    /// In Unix seconds. At this time its states no longer open.
    pub(crate) until: u64,
}

/// The keys of one root key for one purpose of one application in one environment.
#[derive(Debug)]
pub(crate) struct PurposeKeys {
    pub(crate) id: KeyId,
    pub(crate) purpose: Purpose,
    /// The names choose the cookie that binds a login.
    pub(crate) names: Names,
    /// Makes and opens tokens of this form, and of no other.
    construction: Construction,
    /// `K_flow`: the key of everything that is derived for one login.
    pub(crate) flow: HmacKey,
    /// The same for all tokens, so it is computed once.
    pub(crate) associated_data: Box<[u8]>,
    pub(crate) form: Form,
    /// The associated data of a payload in a store.
    pub(crate) row_associated_data: Box<[u8]>,
}

/// The construction of a form, with its key; the key of the other one is never derived. Boxed, because a move copies the whole value, with
/// stack remains in its unused part.
#[derive(Debug)]
enum Construction {
    /// `K_enc`.
    Encrypted(Box<Xaes256Gcm>),
    /// `K_sign`.
    Signed(Box<SigningKey>),
}

impl PurposeKeys {
    fn derive(ring_key: &RingKey, purpose: Purpose, app: &App, names: Names, form: Form) -> Self {
        let id = key_id(&ring_key.root, purpose, app);
        let key = |label: &str| derive(&ring_key.root, label, purpose, app);
        let (label, construction) = match form {
            Form::Signed => ("signed", Construction::Signed(Box::new(SigningKey::new(key("sign").expose())))),
            Form::Sealed | Form::Handle(_) => {
                ("encrypted", Construction::Encrypted(Box::new(Xaes256Gcm::new(key("enc").expose()))))
            }
        };
        Self {
            id,
            purpose,
            names,
            construction,
            flow: HmacKey::new(key("flow").expose()),
            associated_data: wire::associated_data(label, form, id, purpose, app),
            form,
            row_associated_data: wire::associated_data("row", form, id, purpose, app),
        }
    }

    /// Encrypts or signs the text after a token's head, and appends the tag.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], token: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        let text = token.get_mut(HEAD_BYTES..).unwrap_or_default();
        match &self.construction {
            Construction::Encrypted(key) => {
                let tag = key.encrypt(nonce, &self.associated_data, text)?;
                token.extend_from_slice(&tag);
            }
            Construction::Signed(key) => {
                let tag = key.sign(nonce, &self.associated_data, text)?;
                token.extend_from_slice(tag.expose());
            }
        }
        Ok(())
    }

    /// The plaintext of a token that these keys sealed.
    pub(crate) fn open<'b>(&self, token: Unverified<'b>) -> Result<&'b [u8], NotAuthentic> {
        let Unverified { nonce, text, tag, .. } = token;
        match (&self.construction, tag) {
            (Construction::Encrypted(key), Tag::Aead(tag)) => key.decrypt(&nonce, &self.associated_data, text, &tag)?,
            (Construction::Signed(key), Tag::Mac(tag)) => key.verify(&nonce, &self.associated_data, text, &tag)?,
            // The keys' form chooses the construction, never the token: it does not open a token of another form (form confusion).
            (Construction::Encrypted(_), Tag::Mac(_)) | (Construction::Signed(_), Tag::Aead(_)) => {
                return Err(NotAuthentic);
            }
        }
        Ok(text)
    }
}

/// Two root keys derive the same key id for this application; replace one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameKeyId;

/// All keys of a ring for the accepted purposes, and the key ids of the other purposes.
#[derive(Debug)]
pub(crate) struct KeyTable {
    ring: KeyRing,
    form: Form,
    /// The time at which the accepted application's states no longer open, in Unix seconds; 0 without one.
    accepted_until: u64,
    /// In the order of `entries`, but separate, so that a look-up touches few bytes.
    ids: Vec<KeyId>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The position in the ring, which determines the role.
    ring_index: usize,
    names: Names,
    /// `None` for a purpose that is not accepted here. Boxed, because moving a `None` as large as the keys would copy stack remains: the
    /// keys of the previous entry, which nothing would clear.
    keys: Option<Box<PurposeKeys>>,
}

impl KeyTable {
    pub(crate) fn new(ring: KeyRing, accepted: &[Purpose], app: &App, form: Form) -> Result<Self, SameKeyId> {
        Self::accepting(ring, accepted, app, None, form)
    }

    /// [`KeyTable::new`] with the keys of another application, which open only.
    pub(crate) fn accepting(
        ring: KeyRing,
        accepted: &[Purpose],
        app: &App,
        other: Option<&AcceptedApp>,
        form: Form,
    ) -> Result<Self, SameKeyId> {
        let accepted_until = other.map_or(0, |other| other.until);
        let mut table = Self { ring: ring.clone(), form, accepted_until, ids: Vec::new(), entries: Vec::new() };
        let known = Purpose::STANDARD.iter().filter(|purpose| !accepted.contains(purpose));
        let apps = [(app, Names::Own)].into_iter().chain(other.map(|other| (&other.app, Names::Accepted)));
        for (app, names) in apps {
            for (ring_index, ring_key) in ring.keys().iter().enumerate() {
                for purpose in accepted {
                    let keys = Box::new(PurposeKeys::derive(ring_key, *purpose, app, names, form));
                    table.push(keys.id, Entry { ring_index, names, keys: Some(keys) })?;
                }
                for purpose in known.clone() {
                    table.push(key_id(&ring_key.root, *purpose, app), Entry { ring_index, names, keys: None })?;
                }
            }
        }
        Ok(table)
    }

    fn push(&mut self, id: KeyId, entry: Entry) -> Result<(), SameKeyId> {
        if self.ids.contains(&id) {
            return Err(SameKeyId);
        }
        self.ids.push(id);
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The one form of token that this table seals and opens.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The `Max-Age` of the cookie in seconds: one constant for every flow of the application, whatever its lifetime.
    pub(crate) fn cookie_max_age(&self) -> u64 {
        let Timing { lifetime_cap, skew, .. } = self.ring.timing();
        u64::from(lifetime_cap).saturating_add(u64::from(skew).saturating_mul(2))
    }

    /// Whether a key that opened a state still opens at `now`.
    ///
    /// # Errors
    ///
    /// Why its states are now refused.
    pub(crate) fn still_opens(&self, id: KeyId, now: u64) -> Result<(), FinishErrorKind> {
        self.opening(id, now).map(|_| ())
    }

    /// The keys that seal for `purpose` at `now`.
    pub(crate) fn sealing(&self, purpose: Purpose, now: u64) -> Option<&PurposeKeys> {
        let active = self.ring.active(now)?;
        let is_own = |entry: &&Entry| entry.ring_index == active && entry.names == Names::Own;
        let mut of_active = self.entries.iter().filter(is_own);
        of_active.find_map(|entry| entry.keys.as_deref().filter(|keys| keys.purpose == purpose))
    }

    /// The keys that `id` names, if they open at `now`. An exact look-up: no key is tried on a token that does not name it.
    ///
    /// # Errors
    ///
    /// `key_revoked` for a revoked key, `unknown_key` for an unknown or retired one, and for one of an application that is no longer
    /// accepted, `wrong_purpose` for one of a known purpose that is not accepted here.
    pub(crate) fn opening(&self, id: KeyId, now: u64) -> Result<&PurposeKeys, FinishErrorKind> {
        let position = self.ids.iter().position(|known| *known == id);
        let entry = position.and_then(|position| self.entries.get(position)).ok_or(FinishErrorKind::UnknownKey)?;
        // As in a table that never knew the other names: nothing else about the key matters.
        if entry.names == Names::Accepted && now >= self.accepted_until {
            return Err(FinishErrorKind::UnknownKey);
        }
        match (self.ring.role(entry.ring_index, now), &entry.keys) {
            (KeyRole::Revoked, _) => Err(FinishErrorKind::KeyRevoked),
            (role, _) if !role.opens() => Err(FinishErrorKind::UnknownKey),
            (_, None) => Err(FinishErrorKind::WrongPurpose),
            (_, Some(keys)) => Ok(keys),
        }
    }
}

#[cfg(test)]
mod tests;
