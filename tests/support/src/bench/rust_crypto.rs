//! The floor with the libraries of the crate.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Tag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};

use super::straight_line::Libraries;

pub struct RustCrypto;

impl Libraries for RustCrypto {
    type Mac = Hmac<Sha256>;

    fn mac_key(key: &[u8]) -> Self::Mac {
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap()
    }

    fn mac(key: &Self::Mac, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = key.clone();
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
