//! The alternatives to this crate for the content of `state`, or of a cookie.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use rusty_paseto::core::{Key, Local, Paseto, PasetoNonce, PasetoSymmetricKey, Payload, V4};

use crate::login::{Carried, encode, random};

/// Seals a login's data, and opens it.
pub trait Token {
    fn seal(&self, login: &Carried) -> String;
    fn open(&self, text: &str) -> Option<Carried>;
}

const KEY: [u8; 32] = *b"a key of thirty-two bytes, fixed";

fn json(login: &Carried) -> Vec<u8> {
    serde_json::to_vec(login).unwrap()
}

fn from_json(bytes: &[u8]) -> Option<Carried> {
    serde_json::from_slice(bytes).ok()
}

/// All of them, each under the name of its crate.
pub fn all() -> Vec<(&'static str, Box<dyn Token>)> {
    tink_aead::init();
    let handle = tink_core::keyset::Handle::new(&tink_aead::aes256_gcm_key_template()).unwrap();
    vec![
        ("Fernet (fernet)", Box::new(Fernet(fernet::Fernet::new(&URL_SAFE.encode(KEY)).unwrap()))),
        ("Branca (branca)", Box::new(Branca)),
        ("PASETO v4.local (pasetors)", Box::new(Pasetors(pasetors::keys::SymmetricKey::from(&KEY).unwrap()))),
        ("PASETO v4.local (rusty_paseto)", Box::new(RustyPaseto(PasetoSymmetricKey::from(Key::from(KEY))))),
        ("JWT HS256, not encrypted (jsonwebtoken)", Box::new(JsonWebToken::new())),
        ("JWE dir+A256GCM (josekit)", Box::new(Josekit::new())),
        ("JWE dir+A256GCM (biscuit)", Box::new(Biscuit::new())),
        ("PrivateJar (cookie)", Box::new(PrivateJar(cookie::Key::from(&[KEY, KEY].concat())))),
        ("AES-256-GCM and JSON (tink-aead)", Box::new(Tink(tink_aead::new(&handle).unwrap()))),
        ("AES-256-GCM and JSON (ring)", Box::new(Ring::new())),
        ("AES-256-GCM and JSON (aws-lc-rs)", Box::new(AwsLc::new())),
    ]
}

struct Fernet(fernet::Fernet);

impl Token for Fernet {
    fn seal(&self, login: &Carried) -> String {
        self.0.encrypt(&json(login))
    }

    fn open(&self, text: &str) -> Option<Carried> {
        from_json(&self.0.decrypt_with_ttl(text, 600).ok()?)
    }
}

struct Branca;

impl Token for Branca {
    fn seal(&self, login: &Carried) -> String {
        branca::encode(&json(login), &KEY, crate::login::now() as u32).unwrap()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        from_json(&branca::decode(text, &KEY, 600).ok()?)
    }
}

struct Pasetors(pasetors::keys::SymmetricKey<pasetors::version4::V4>);

impl Token for Pasetors {
    fn seal(&self, login: &Carried) -> String {
        pasetors::version4::LocalToken::encrypt(&self.0, &json(login), None, None).unwrap()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        let token = pasetors::token::UntrustedToken::try_from(text).ok()?;
        let opened = pasetors::version4::LocalToken::decrypt(&self.0, &token, None, None).ok()?;
        from_json(opened.payload().as_bytes())
    }
}

struct RustyPaseto(PasetoSymmetricKey<V4, Local>);

impl Token for RustyPaseto {
    fn seal(&self, login: &Carried) -> String {
        let nonce = Key::<32>::try_new_random().unwrap();
        let nonce = PasetoNonce::<V4, Local>::from(&nonce);
        let payload = serde_json::to_string(login).unwrap();
        Paseto::<V4, Local>::builder()
            .set_payload(Payload::from(payload.as_str()))
            .try_encrypt(&self.0, &nonce)
            .unwrap()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        from_json(Paseto::<V4, Local>::try_decrypt(text, &self.0, None, None).ok()?.as_bytes())
    }
}

struct JsonWebToken {
    sealing: jsonwebtoken::EncodingKey,
    opening: jsonwebtoken::DecodingKey,
    validation: jsonwebtoken::Validation,
}

impl JsonWebToken {
    fn new() -> Self {
        Self {
            sealing: jsonwebtoken::EncodingKey::from_secret(&KEY),
            opening: jsonwebtoken::DecodingKey::from_secret(&KEY),
            validation: jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256),
        }
    }
}

impl Token for JsonWebToken {
    fn seal(&self, login: &Carried) -> String {
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), login, &self.sealing).unwrap()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        jsonwebtoken::decode::<Carried>(text, &self.opening, &self.validation).ok().map(|token| token.claims)
    }
}

struct Josekit {
    header: josekit::jwe::JweHeader,
    encrypter: josekit::jwe::alg::direct::DirectJweEncrypter,
    decrypter: josekit::jwe::alg::direct::DirectJweDecrypter,
}

impl Josekit {
    fn new() -> Self {
        let mut header = josekit::jwe::JweHeader::new();
        header.set_content_encryption("A256GCM");
        let encrypter = josekit::jwe::Dir.encrypter_from_bytes(KEY).unwrap();
        let decrypter = josekit::jwe::Dir.decrypter_from_bytes(KEY).unwrap();
        Self { header, encrypter, decrypter }
    }
}

impl Token for Josekit {
    fn seal(&self, login: &Carried) -> String {
        josekit::jwe::serialize_compact(&json(login), &self.header, &self.encrypter).unwrap()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        let (payload, _) = josekit::jwe::deserialize_compact(text, &self.decrypter).ok()?;
        from_json(&payload)
    }
}

struct Biscuit(biscuit::jwk::JWK<biscuit::Empty>);

impl Biscuit {
    const KEY_MANAGEMENT: biscuit::jwa::KeyManagementAlgorithm =
        biscuit::jwa::KeyManagementAlgorithm::DirectSymmetricKey;
    const CONTENT: biscuit::jwa::ContentEncryptionAlgorithm = biscuit::jwa::ContentEncryptionAlgorithm::A256GCM;

    fn new() -> Self {
        Self(biscuit::jwk::JWK::new_octet_key(&KEY, biscuit::Empty::default()))
    }
}

impl Token for Biscuit {
    fn seal(&self, login: &Carried) -> String {
        let registered = biscuit::jwe::RegisteredHeader {
            cek_algorithm: Self::KEY_MANAGEMENT,
            enc_algorithm: Self::CONTENT,
            ..Default::default()
        };
        let header = biscuit::jwe::Header::<biscuit::Empty>::from(registered);
        let mut nonce = vec![0; 12];
        random(&mut nonce);
        let options = biscuit::jwa::EncryptionOptions::AES_GCM { nonce };
        let token = biscuit::jwe::Compact::new_decrypted(header, json(login)).encrypt(&self.0, &options).unwrap();
        token.unwrap_encrypted().to_string()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        let token = biscuit::jwe::Compact::<Vec<u8>, biscuit::Empty>::new_encrypted(text);
        let opened = token.decrypt(&self.0, Self::KEY_MANAGEMENT, Self::CONTENT).ok()?;
        from_json(opened.payload().ok()?)
    }
}

/// In a cookie, as intended; its value is counted.
struct PrivateJar(cookie::Key);

impl Token for PrivateJar {
    fn seal(&self, login: &Carried) -> String {
        let mut jar = cookie::CookieJar::new();
        jar.private_mut(&self.0).add(("login", serde_json::to_string(login).unwrap()));
        jar.get("login").unwrap().value().to_owned()
    }

    fn open(&self, text: &str) -> Option<Carried> {
        let mut jar = cookie::CookieJar::new();
        jar.add_original(("login", text.to_owned()));
        from_json(jar.private(&self.0).get("login")?.value().as_bytes())
    }
}

struct Tink(Box<dyn tink_core::Aead>);

impl Token for Tink {
    fn seal(&self, login: &Carried) -> String {
        encode(&self.0.encrypt(&json(login), b"login").unwrap())
    }

    fn open(&self, text: &str) -> Option<Carried> {
        from_json(&self.0.decrypt(&URL_SAFE_NO_PAD.decode(text).ok()?, b"login").ok()?)
    }
}

/// An implementation after the documentation of an AEAD: nonce, ciphertext and tag in base64url.
macro_rules! aead_and_json {
    ($name:ident, $library:ident) => {
        struct $name($library::aead::LessSafeKey);

        impl $name {
            fn new() -> Self {
                let key = $library::aead::UnboundKey::new(&$library::aead::AES_256_GCM, &KEY).unwrap();
                Self($library::aead::LessSafeKey::new(key))
            }
        }

        impl Token for $name {
            fn seal(&self, login: &Carried) -> String {
                let mut nonce = [0; 12];
                random(&mut nonce);
                let mut text = json(login);
                let associated_data = $library::aead::Aad::from(b"login");
                let used_once = $library::aead::Nonce::assume_unique_for_key(nonce);
                self.0.seal_in_place_append_tag(used_once, associated_data, &mut text).unwrap();
                encode(&[&nonce, text.as_slice()].concat())
            }

            fn open(&self, text: &str) -> Option<Carried> {
                let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
                let (nonce, text) = bytes.split_first_chunk_mut::<12>()?;
                let nonce = $library::aead::Nonce::assume_unique_for_key(*nonce);
                from_json(self.0.open_in_place(nonce, $library::aead::Aad::from(b"login"), text).ok()?)
            }
        }
    };
}

aead_and_json!(Ring, ring);
aead_and_json!(AwsLc, aws_lc_rs);
