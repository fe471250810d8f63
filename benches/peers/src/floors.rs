//! The floor with the fastest published library for each step: AES-GCM, HMAC and SHA-256 of `ring` or `aws-lc-rs`,
//! whichever is faster on this machine, and base64 of `base64-simd`.

use base64_simd::{Out, URL_SAFE_NO_PAD};
use support::bench::straight_line::Libraries;

use crate::login::random;

macro_rules! floor {
    ($name:ident, $library:ident) => {
        pub struct $name;

        impl Libraries for $name {
            type Mac = $library::hmac::Key;

            fn mac_key(key: &[u8]) -> Self::Mac {
                $library::hmac::Key::new($library::hmac::HMAC_SHA256, key)
            }

            fn mac(key: &Self::Mac, parts: &[&[u8]]) -> [u8; 32] {
                let mut mac = $library::hmac::Context::with_key(key);
                parts.iter().for_each(|part| mac.update(part));
                mac.sign().as_ref().try_into().unwrap()
            }

            fn sha256(parts: &[&[u8]]) -> [u8; 32] {
                let mut hash = $library::digest::Context::new(&$library::digest::SHA256);
                parts.iter().for_each(|part| hash.update(part));
                hash.finish().as_ref().try_into().unwrap()
            }

            fn seal(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], bytes: &mut [u8]) -> [u8; 16] {
                let key = $library::aead::UnboundKey::new(&$library::aead::AES_256_GCM, key).unwrap();
                let nonce = $library::aead::Nonce::assume_unique_for_key(*nonce);
                let associated_data = $library::aead::Aad::from(associated_data);
                let key = $library::aead::LessSafeKey::new(key);
                let tag = key.seal_in_place_separate_tag(nonce, associated_data, bytes).unwrap();
                tag.as_ref().try_into().unwrap()
            }

            fn open(key: &[u8; 32], nonce: &[u8; 12], associated_data: &[u8], sealed: &mut [u8]) -> bool {
                let key = $library::aead::UnboundKey::new(&$library::aead::AES_256_GCM, key).unwrap();
                let key = $library::aead::LessSafeKey::new(key);
                let nonce = $library::aead::Nonce::assume_unique_for_key(*nonce);
                key.open_in_place(nonce, $library::aead::Aad::from(associated_data), sealed).is_ok()
            }

            fn encode(bytes: &[u8]) -> String {
                URL_SAFE_NO_PAD.encode_to_string(bytes)
            }

            fn encode_verifier(bytes: &[u8; 32]) -> [u8; 43] {
                let mut text = [0; 43];
                let _ = URL_SAFE_NO_PAD.encode(bytes, Out::from_slice(&mut text));
                text
            }

            fn decode(text: &str, bytes: &mut [u8]) -> Option<usize> {
                URL_SAFE_NO_PAD.decode(text.as_bytes(), Out::from_slice(bytes)).ok().map(|decoded| decoded.len())
            }

            fn equal(one: &[u8], other: &[u8]) -> bool {
                subtle::ConstantTimeEq::ct_eq(one, other).into()
            }

            fn random(bytes: &mut [u8]) {
                random(bytes);
            }
        }
    };
}

floor!(Ring, ring);
floor!(AwsLc, aws_lc_rs);
