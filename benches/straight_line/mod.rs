//! The same work as one begin and one finish, written straight down with the same primitives and nothing else: no
//! types, no checks of a configuration, no errors. What the crate costs beside this is its own.
//!
//! Written from `docs/wire-format.md`; its states open with the crate, and the crate's states open here.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Block, BlockCipherEncrypt};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

const MAGIC: [u8; 3] = [0xa2, 0xcb, 0x75];
/// The kind of binding that is a session.
const SESSION: u8 = 2;

/// One purpose's keys, derived before anything is measured.
pub struct Keys {
    id: [u8; 4],
    aes: Aes256,
    k1: [u8; 16],
    flow: Hmac<Sha256>,
    associated_data: Vec<u8>,
}

/// What a begin returns.
pub struct Begun {
    pub state: String,
    pub code_challenge: String,
    pub nonce: String,
}

/// What a finish returns.
pub struct Finished {
    pub provider: String,
    pub code_verifier: String,
    pub nonce: String,
    pub replay_id: [u8; 16],
}

fn lp(field: &[u8]) -> Vec<u8> {
    [&(field.len() as u16).to_be_bytes(), field].concat()
}

fn hmac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

impl Keys {
    pub fn derive(root: &[u8; 32], purpose: &str, app: &str, environment: &str) -> Self {
        let root = Hmac::<Sha256>::new_from_slice(root).unwrap();
        let context = [lp(purpose.as_bytes()), lp(app.as_bytes()), lp(environment.as_bytes())].concat();
        let derive = |label: &str| hmac(&root, &[&lp(format!("oauth-state/v1/{label}").as_bytes()), &context]);
        let aes = Aes256::new(&derive("enc").into());
        let mut l = Block::<Aes256>::default();
        aes.encrypt_block(&mut l);
        let l = u128::from_be_bytes(l.into());
        let k1 = ((l << 1) ^ ((l >> 127) * 0x87)).to_be_bytes();
        let id: [u8; 4] = derive("key-id")[..4].try_into().unwrap();
        let associated_data = [lp(b"oauth-state/v1/encrypted"), lp(&MAGIC), lp(&id), context.clone()].concat();
        let flow = Hmac::<Sha256>::new_from_slice(&derive("flow")).unwrap();
        Self { id, aes, k1, flow, associated_data }
    }

    fn cipher(&self, nonce: &[u8; 24]) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
        let mut blocks = [1, 2].map(|counter| {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(&nonce[..12]);
            block.iter_mut().zip(self.k1).for_each(|(to, k)| *to ^= k);
            Block::<Aes256>::from(block)
        });
        self.aes.encrypt_blocks(&mut blocks);
        let mut key = [0; 32];
        key[..16].copy_from_slice(&blocks[0]);
        key[16..].copy_from_slice(&blocks[1]);
        let second: [u8; 12] = nonce[12..].try_into().unwrap();
        (Aes256Gcm::new(&key.into()), second.into())
    }
}

/// The hash of a session id.
pub fn session(id: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"\x00\x16oauth-state/v1/session");
    hash.update(id);
    hash.finalize().into()
}

fn expand(keys: &Keys, secret: &[u8; 32], nonce: &[u8]) -> ([u8; 32], [u8; 32]) {
    let t1 = hmac(&keys.flow, &[&MAGIC, &[SESSION], secret, nonce, &[1]]);
    let t2 = hmac(&keys.flow, &[&t1, &MAGIC, &[SESSION], secret, nonce, &[2]]);
    (t1, t2)
}

fn verifier(t1: &[u8; 32], t2: &[u8; 32]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&t1[16..]);
    bytes[16..].copy_from_slice(&t2[..16]);
    bytes
}

/// Begins a login with a session, without tenant, redirect, return path and data.
pub fn begin(keys: &Keys, session_id: &[u8], provider: &str, now: u32) -> Begun {
    let secret = session(session_id);
    // On the stack, so that nothing is allocated but what is returned.
    let mut bytes = [0; 128];
    bytes[..3].copy_from_slice(&MAGIC);
    bytes[3..7].copy_from_slice(&keys.id);
    SysRng.try_fill_bytes(&mut bytes[7..31]).unwrap();
    let nonce: [u8; 24] = bytes[7..31].try_into().unwrap();
    let (t1, t2) = expand(keys, &secret, &nonce);
    bytes[31..35].copy_from_slice(&now.to_be_bytes());
    bytes[35..37].copy_from_slice(&600_u16.to_be_bytes());
    bytes[38] = SESSION << 1;
    bytes[39..55].copy_from_slice(&t1[..16]);
    bytes[55] = provider.len() as u8;
    let end = 56 + provider.len();
    bytes[56..end].copy_from_slice(provider.as_bytes());
    let end = end + 3;
    let (cipher, half) = keys.cipher(&nonce);
    let tag = cipher.encrypt_inout_detached(&half, &keys.associated_data, InOutBuf::from(&mut bytes[31..end])).unwrap();
    bytes[end..end + 16].copy_from_slice(&tag);
    let mut text = [0; 43];
    URL_SAFE_NO_PAD.encode_slice(verifier(&t1, &t2), &mut text).unwrap();
    Begun {
        state: URL_SAFE_NO_PAD.encode(&bytes[..end + 16]),
        code_challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(text)),
        nonce: URL_SAFE_NO_PAD.encode(&t2[16..]),
    }
}

/// Finishes such a login up to the guard.
pub fn finish(keys: &Keys, session_id: &[u8], state: &str, now: u64) -> Option<Finished> {
    let secret = session(session_id);
    let mut bytes = [0; 128];
    let length = URL_SAFE_NO_PAD.decode_slice(state, &mut bytes).ok()?;
    let (head, rest) = bytes.split_at_mut(31);
    if head[..3] != MAGIC || head[3..7] != keys.id {
        return None;
    }
    let nonce: [u8; 24] = head[7..].try_into().unwrap();
    let (text, tag) = rest.get_mut(..length - 31)?.split_last_chunk_mut::<16>()?;
    let (cipher, half) = keys.cipher(&nonce);
    cipher.decrypt_inout_detached(&half, &keys.associated_data, InOutBuf::from(&mut *text), &Tag::from(*tag)).ok()?;
    let issued_at = u64::from(u32::from_be_bytes(text[..4].try_into().unwrap()));
    let lifetime = u64::from(u16::from_be_bytes(text[4..6].try_into().unwrap()));
    if issued_at > now + 60 || now >= issued_at + lifetime + 60 {
        return None;
    }
    let (t1, t2) = expand(keys, &secret, &nonce);
    if !bool::from(subtle::ConstantTimeEq::ct_eq(&t1[..16], &text[8..24])) {
        return None;
    }
    let provider = std::str::from_utf8(text.get(25..25 + usize::from(text[24]))?).ok()?;
    Some(Finished {
        provider: provider.to_owned(),
        code_verifier: URL_SAFE_NO_PAD.encode(verifier(&t1, &t2)),
        nonce: URL_SAFE_NO_PAD.encode(&t2[16..]),
        replay_id: nonce[..16].try_into().unwrap(),
    })
}
