//! The secrets to search for. A separate process makes the key and derives from it, so that none of it is in the memory
//! that is searched.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use oauth_state::ring::{RootKey, SecretString};
use sha2::{Sha256, block_api::compress256};

use crate::memory::Needle;

/// The argument for the process that makes them.
pub const MAKE: &str = "--make-key";
/// In the order in which that process prints them.
const OF_THE_KEY: [&str; 9] = [
    "the root key",
    "the root key, in its text",
    "the key of the AEAD, also as the first round keys of AES",
    "the key that binds logins",
    "that key, absorbed by the inner hash",
    "that key, absorbed by the outer hash",
    "the key that signs",
    "the key that signs, absorbed by the inner hash",
    "the key that signs, absorbed by the outer hash",
];

/// Makes a key in another process, which writes it plainly into one file and inside a document into another, and
/// returns the needles.
pub fn of_a_new_key(key: &Path, document: &Path) -> Vec<Needle> {
    let output = Command::new(std::env::current_exe().unwrap()).arg(MAKE).args([key, document]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let needles: Vec<_> = OF_THE_KEY.iter().zip(lines.lines()).map(|(name, hex)| Needle::from_hex(name, hex)).collect();
    assert_eq!(needles.len(), OF_THE_KEY.len());
    needles
}

/// Runs in that other process.
pub fn make(key: &Path, document: &Path) {
    let text = RootKey::generate().unwrap().to_secret_text();
    let text = text.expose();
    std::fs::write(key, text).unwrap();
    // Pending keys come with it, so that lists of keys grow while they are built: growing leaves the old list behind.
    let to_come: Vec<_> = (0..5).map(|_| RootKey::generate().unwrap().to_secret_text()).collect();
    let keys: Vec<_> = std::iter::once(text).chain(to_come.iter().map(SecretString::expose)).collect();
    let keys = keys.into_iter().zip([2020, 2090, 2091, 2092, 2093, 2094]).map(|(key, year)| {
        let seal_from = format!("{year}-01-01T00:00:00Z");
        serde_json::json!({ "key": key, "published_at": "2019-12-31T00:00:00Z", "seal_from": seal_from })
    });
    let ring = serde_json::json!({
        "version": 1, "serial": 1, "propagation": 300, "skew": 60, "lifetime_cap": 3600, "revoked": [],
        "keys": keys.collect::<Vec<_>>(),
    });
    std::fs::write(document, ring.to_string()).unwrap();
    let characters = text.split('.').nth(1).unwrap();
    let root: [u8; 32] = URL_SAFE_NO_PAD.decode(characters).unwrap().try_into().unwrap();
    let [encryption, flow, sign] = ["enc", "flow", "sign"].map(|label| derive(&root, label));
    let [[inner, outer], [sign_inner, sign_outer]] =
        [&flow, &sign].map(|key| [0x36, 0x5c].map(|pad| absorbed(key, pad)));
    let secrets: [&[u8]; 9] =
        [&root, characters.as_bytes(), &encryption, &flow, &inner, &outer, &sign, &sign_inner, &sign_outer];
    for (name, secret) in OF_THE_KEY.iter().zip(secrets) {
        println!("{}", Needle::new(name, secret.iter().copied()).to_hex());
    }
}

/// Derives keys as in docs/wire-format.md, for logins of the shop in its test environment.
fn derive(root: &[u8; 32], label: &str) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(root).unwrap();
    for field in [&*format!("oauth-state/v1/{label}"), "login", "shop", "test"] {
        mac.update(&(field.len() as u16).to_be_bytes());
        mac.update(field.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256's copy of its key: the state of the hash after the padded key.
fn absorbed(key: &[u8; 32], pad: u8) -> Vec<u8> {
    let mut block = [pad; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
    let mut state =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    compress256(&mut state, &[block]);
    state.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// The characters and the bytes of a text that others own, without copying either.
pub fn of_base64url(text_name: &'static str, bytes_name: &'static str, text: &str) -> [Needle; 2] {
    let bytes = text.as_bytes().chunks(4).flat_map(|four| {
        let group =
            four.iter().fold(0_u32, |group, character| group << 6 | value(*character)) << (6 * (4 - four.len()));
        [16, 8, 0].map(|shift| (group >> shift) as u8).into_iter().take(four.len() * 3 / 4)
    });
    [Needle::new(text_name, text.bytes()), Needle::new(bytes_name, bytes)]
}

fn value(character: u8) -> u32 {
    let alphabet = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain([b'-', b'_']);
    alphabet.zip(0..).find(|(known, _)| *known == character).unwrap().1
}
