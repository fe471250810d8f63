//! The frozen vectors of internals: derivations, parsed callbacks and cookie headers.
//!
//! Another implementation, written from `docs/wire-format.md`, produced the answers in `tests/vectors`. If the code's answer differs, a
//! state, a cookie or a callback of a released version is now read differently.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::base64url;
use crate::binding::{Binding, Connection, FlowSecrets, Holder, UNBOUND_SECRET, connection_tag, user_tag};
use crate::callback::{Answer, Callback};
use crate::claims::codec::BindingKind;
use crate::cookie::{BrowserCookie, CookieFamilies, CookieKind, CookieName};
use crate::name::{App, Purpose};
use crate::ring::key::derive::derive;
use crate::ring::key::{KeyRing, RootKey};
use crate::secret::SecretBytes;
use crate::token::aead::Xaes256Gcm;
use crate::token::keys::KeyTable;
use crate::token::wire::{Form, replay_id};

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

/// A vector of a file, without the fields that only this file has.
#[derive(Deserialize)]
struct Vector<V> {
    name: String,
    #[serde(flatten)]
    given: V,
    outcome: Value,
}

/// The vectors of a file: enough of them, each with its own name.
fn vectors<V: DeserializeOwned>(text: &str) -> Vec<Vector<V>> {
    let File { vectors } = serde_json::from_str::<File<Vector<V>>>(text).unwrap();
    let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert!(names.len() == vectors.len() && names.len() >= 25, "{} names of {} vectors", names.len(), vectors.len());
    vectors
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Deserialize)]
struct Derivation {
    root_key: String,
    purpose: String,
    app: String,
    environment: String,
    form: String,
    nonce: String,
    binding: HeldSecret,
    user: Option<String>,
    row: Option<String>,
    connection: Option<LoadedProvider>,
}

/// A provider that was loaded at run time.
#[derive(Deserialize)]
struct LoadedProvider {
    issuer: String,
    client_id: String,
    authorization_endpoint: String,
    redirect_uri: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum HeldSecret {
    Session { id: String },
    Cookie { value: String },
    ClientSecret { text: String },
    Unbound,
}

impl HeldSecret {
    fn read(&self) -> (BindingKind, [u8; 32]) {
        let held = |binding: Binding<'_>| match binding.holder {
            Holder::Session(secret) | Holder::LoginSecret(secret) => *secret.expose(),
            _ => panic!("a binding without a secret"),
        };
        match self {
            Self::Session { id } => (BindingKind::Session, held(Binding::session(&unhex(id)).unwrap())),
            Self::Cookie { value } => (BindingKind::Cookie, base64url::decode_exact(value.as_bytes()).unwrap()),
            Self::ClientSecret { text } => (BindingKind::LoginSecret, held(Binding::login_secret(text).unwrap())),
            Self::Unbound => (BindingKind::Unbound, UNBOUND_SECRET),
        }
    }
}

fn purpose(text: &str) -> Purpose {
    match text {
        "login" => Purpose::Login,
        "link" => Purpose::Link,
        "reauthenticate" => Purpose::Reauthenticate,
        "logout" => Purpose::Logout,
        // A test's few names may stay in memory forever.
        own => Purpose::Custom(own.strip_prefix("custom:").unwrap().to_owned().leak()),
    }
}

impl Derivation {
    fn answer(&self) -> Value {
        let app = App::new(&self.app, &self.environment).unwrap();
        let purpose = purpose(&self.purpose);
        let root = RootKey::from_public_bytes(unhex(&self.root_key).try_into().unwrap());
        let text = root.to_secret_text();
        assert_eq!(text.expose().parse::<RootKey>().unwrap().id(), root.id());
        let form = Form::ALL.into_iter().find(|form| form.prefix() == self.form).unwrap();
        let table = KeyTable::new(KeyRing::from(root.clone()), &[purpose], &app, form).unwrap();
        let keys = table.sealing(purpose, 1_800_000_000).unwrap();
        let nonce: [u8; 24] = unhex(&self.nonce).try_into().unwrap();
        let (kind, secret) = self.binding.read();
        let secrets = FlowSecrets::new(kind, &secret, &nonce);
        let cookie = CookieFamilies::new(&app, true, &CookieName::Host).set_cookie(
            CookieKind::Lax,
            &BrowserCookie::mint([0; 6], SecretBytes::new([0; 32])),
            1,
        );
        let key = |label: &str| hex(derive(&root, label, purpose, &app).expose());
        let mut answer = json!({
            "root_key_text": text.expose(), "root_key_id": root.id().to_string(), "key_id": hex(&keys.id.0),
            "K_enc": key("enc"), "K_flow": key("flow"), "K_row": hex(secrets.row_key(&keys.flow).expose()),
            "associated_data": hex(&keys.associated_data), "cookie_name_begins_with": cookie.split_once("l-").unwrap().0,
            "secret": hex(&secret), "binding_tag": hex(&secrets.binding_tag(&keys.flow)), "code_verifier": secrets.code_verifier(&keys.flow),
            "code_challenge": secrets.code_challenge(&keys.flow), "nonce": secrets.nonce(&keys.flow), "replay_id": hex(&replay_id(&nonce)),
        });
        if form == Form::Signed {
            answer["K_sign"] = key("sign").into();
        }
        if let Some(user) = &self.user {
            answer["user_tag"] = hex(&user_tag(&keys.flow, &nonce, &unhex(user))).into();
        }
        if let Some(vector) = &self.connection {
            let connection = Connection {
                issuer: &vector.issuer,
                client_id: &vector.client_id,
                authorization_endpoint: &vector.authorization_endpoint,
                redirect_uri: &vector.redirect_uri,
            };
            answer["connection_tag"] = hex(&connection_tag(&keys.flow, &nonce, connection)).into();
        }
        if let Some(row) = &self.row {
            let mut value = row.clone().into_bytes();
            let encryption = Xaes256Gcm::new(secrets.row_key(&keys.flow).expose());
            let tag = encryption.encrypt(&nonce, &keys.row_associated_data, &mut value).unwrap();
            answer["row_associated_data"] = hex(&keys.row_associated_data).into();
            answer["row_value"] = (hex(&value) + &hex(&tag)).into();
        }
        answer
    }
}

/// A changed derivation would end every login under way, and every cookie.
#[test]
fn everything_is_derived_as_it_was() {
    for Vector { name, given, outcome } in vectors::<Derivation>(include_str!("../tests/vectors/derived.json")) {
        assert_eq!(given.answer(), outcome, "{name}");
    }
}

#[derive(Deserialize)]
struct Posted {
    query: Option<String>,
    form: Option<String>,
    #[serde(default)]
    padded_to: usize,
}

impl Posted {
    fn answer(&self) -> Value {
        let read = match (&self.query, &self.form) {
            (Some(query), None) => {
                let padding = self.padded_to.saturating_sub(query.len());
                Callback::from_query(&(query.clone() + &"&".repeat(padding)))
            }
            (None, Some(form)) => Callback::from_form(&unhex(form)),
            _ => panic!("a query or a form"),
        };
        let callback = match read {
            Ok(callback) => callback,
            Err(error) => return json!({ "refused": error.code() }),
        };
        if !callback.has_answer() {
            return json!({ "refused": "code_missing" }); // as a flow does for a purpose with a code
        }
        let (name, answer) = match &callback.answer {
            Answer::Error(error) => ("error", error.as_str()),
            Answer::Code(code) => ("code", code.as_str()),
            Answer::Nothing => panic!("a code or an error"),
        };
        let mut accepted = json!({ "state": callback.state(), name: answer, "others": {} });
        if let Some(iss) = &callback.iss {
            accepted["iss"] = iss.as_str().into();
        }
        for (name, value) in callback.fields().filter(|(name, _)| !["state", "code", "error", "iss"].contains(name)) {
            // The first value of an ignored parameter that occurs twice.
            accepted["others"].as_object_mut().unwrap().entry(name).or_insert_with(|| value.into());
        }
        json!({ "accepted": accepted })
    }
}

/// If two readers of one query differ, an attacker can smuggle a parameter past the one that checks.
#[test]
fn every_callback_is_read_as_it_was() {
    let mut counts = BTreeMap::<String, usize>::new();
    for Vector { name, given, outcome } in vectors::<Posted>(include_str!("../tests/vectors/callbacks.json")) {
        assert_eq!(given.answer(), outcome, "{name}");
        *counts.entry(outcome["refused"].as_str().unwrap_or("accepted").to_owned()).or_default() += 1;
    }
    let refusals = ["missing_state", "duplicate_parameter", "code_and_error", "code_missing", "malformed", "too_long"];
    assert!(refusals.iter().all(|code| counts[*code] >= 2) && counts["accepted"] >= 25, "{counts:?}");
}

#[derive(Deserialize)]
struct Sent {
    app: String,
    environment: String,
    letter: char,
    headers: Vec<Octets>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Octets {
    Text(String),
    Other { hex: String },
}

impl Octets {
    fn read(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Other { hex } => unhex(hex),
        }
    }
}

impl Sent {
    fn answer(&self) -> Value {
        let app = App::new(&self.app, &self.environment).unwrap();
        let cookie_kind = match self.letter {
            'l' => CookieKind::Lax,
            'n' => CookieKind::None,
            other => panic!("no letter of a cookie: {other}"),
        };
        let families = CookieFamilies::new(&app, true, &CookieName::Host);
        let headers: Vec<Vec<u8>> = self.headers.iter().map(Octets::read).collect();
        let candidates = families.find(cookie_kind, headers.iter().map(Vec::as_slice));
        let tried: Vec<Value> = candidates
            .iter()
            .map(|cookie| {
                let header = families.set_cookie(cookie_kind, cookie, 1);
                json!({ "name": header.split_once('=').unwrap().0, "secret": hex(cookie.secret.expose()) })
            })
            .collect();
        json!({ "tried": tried })
    }
}

/// Login CSRF by cookie tossing: the parser decides which cookies count as ours, and so whose login it is.
#[test]
fn every_cookie_header_is_read_as_it_was() {
    let vectors = vectors::<Sent>(include_str!("../tests/vectors/cookies.json"));
    let none = json!({ "tried": [] });
    assert!(vectors.iter().filter(|vector| vector.outcome == none).count() >= 25);
    for Vector { name, given, outcome } in &vectors {
        assert_eq!(given.answer(), *outcome, "{name}");
    }
}
