//! The floor with the libraries of the crate.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use super::straight_line::Libraries;

pub struct RustCrypto;

/// As in the crate: the states after the key's two blocks, for messages that fill one more.
pub struct MacKey {
    any_length: Hmac<Sha256>,
    inner: [u32; 8],
    outer: [u32; 8],
}

fn digest_of_one_block(mut state: [u32; 8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..message.len()].copy_from_slice(message);
    block[message.len()] = 0x80;
    block[56..].copy_from_slice(&((64 + message.len() as u64) * 8).to_be_bytes());
    compress256(&mut state, &[block]);
    let mut digest = [0; 32];
    digest.chunks_exact_mut(4).zip(state).for_each(|(to, word)| to.copy_from_slice(&word.to_be_bytes()));
    digest
}

impl Libraries for RustCrypto {
    type Mac = MacKey;

    fn mac_key(key: &[u8]) -> Self::Mac {
        let absorbed = |pad| {
            let mut block = [pad; 64];
            block.iter_mut().zip(key).for_each(|(to, from)| *to ^= from);
            let mut state = [
                0x6a09_e667,
                0xbb67_ae85,
                0x3c6e_f372,
                0xa54f_f53a,
                0x510e_527f,
                0x9b05_688c,
                0x1f83_d9ab,
                0x5be0_cd19,
            ];
            compress256(&mut state, &[block]);
            state
        };
        let any_length = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
        MacKey { any_length, inner: absorbed(0x36), outer: absorbed(0x5c) }
    }

    fn mac(key: &Self::Mac, parts: &[&[u8]]) -> [u8; 32] {
        if let Some(message) = parts.first().filter(|first| parts.len() == 1 && first.len() <= 55) {
            return digest_of_one_block(key.outer, &digest_of_one_block(key.inner, message));
        }
        let mut mac = key.any_length.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().into()
    }

    fn seal(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], bytes: &mut [u8]) -> [u8; 16] {
        let cipher = Aes256Gcm::new(key.into());
        cipher.encrypt_inout_detached(nonce.into(), associated_data, InOutBuf::from(bytes)).unwrap().into()
    }

    fn open(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], sealed: &mut [u8]) -> bool {
        let Some((bytes, tag)) = sealed.split_last_chunk_mut::<16>() else { return false };
        let cipher = Aes256Gcm::new(key.into());
        cipher.decrypt_inout_detached(nonce.into(), associated_data, InOutBuf::from(bytes), &Tag::from(*tag)).is_ok()
    }

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn encode_verifier(bytes: &[u8; 32]) -> [u8; 43] {
        let mut text = [0; 43];
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap();
        text
    }

    fn decode(text: &str, bytes: &mut [u8]) -> Option<usize> {
        URL_SAFE_NO_PAD.decode_slice(text, bytes).ok()
    }

    fn equal(one: &[u8], other: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(one, other).into()
    }

    fn random(bytes: &mut [u8]) {
        SysRng.try_fill_bytes(bytes).unwrap();
    }
}
