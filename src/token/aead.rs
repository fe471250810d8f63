//! XAES-256-GCM (C2SP, <https://c2sp.org/XAES-256-GCM>) on the `aes-gcm` crate.
//!
//! Many servers seal under one key with random nonces. 96-bit nonces would reach the limit of SP 800-38D section 8.3, 2^32 states, in
//! little more than an hour at a million states per second; the 192-bit nonces of XAES allow 2^80. This is the only module that names the
//! AEAD crate.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Block, BlockCipherEncrypt};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroize;

use crate::secret::SecretBytes;

/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 24;
/// Bytes of an authentication tag.
pub(crate) const TAG_BYTES: usize = 16;

/// The ciphertext, its associated data or its tag differs from the sealed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

/// A key of XAES-256-GCM: AES-256 with its schedule, and the CMAC subkey K1.
pub(crate) struct Xaes256Gcm {
    aes: Aes256,
    k1: SecretBytes<16>,
}

impl Xaes256Gcm {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let aes = Aes256::new(key.into());
        // L = AES-256(K, 0^128); K1 is L doubled in GF(2^128), the subkey of CMAC (SP 800-38B section 6.1).
        let mut block = SecretBytes::new([0; 16]);
        aes.encrypt_block(block.expose_mut().into());
        let doubled = u128::from_be_bytes(*block.expose()) << 1;
        // No branch on a bit of L, which is secret.
        let reduction = (u128::from_be_bytes(*block.expose()) >> 127).wrapping_mul(0x87);
        Self { aes, k1: SecretBytes::new((doubled ^ reduction).to_be_bytes()) }
    }

    /// Encrypts `text` in place and returns its tag. The caller draws `nonce` at random and uses it once: two texts under one nonce reveal
    /// their difference and the key that forges tags.
    pub(crate) fn encrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], NotAuthentic> {
        let key = self.derive(nonce);
        // Made where it is used: a cipher's schedules are a kilobyte, which a move would copy.
        let tag = Aes256Gcm::new(key.expose().into()).encrypt_inout_detached(
            &second_half(nonce),
            associated_data,
            InOutBuf::from(text),
        );
        tag.map(Into::into).map_err(|_| NotAuthentic)
    }

    /// Decrypts `text` in place, or leaves nothing useful behind. The tag is compared in constant time.
    pub(crate) fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated_data: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), NotAuthentic> {
        let key = self.derive(nonce);
        let opened = Aes256Gcm::new(key.expose().into()).decrypt_inout_detached(
            &second_half(nonce),
            associated_data,
            InOutBuf::from(text),
            &Tag::from(*tag),
        );
        opened.map_err(|_| NotAuthentic)
    }

    /// The AES-256-GCM key of this nonce's first half.
    fn derive(&self, nonce: &[u8; NONCE_BYTES]) -> SecretBytes<32> {
        // M1 = 00 01 58 00 ‖ N[0..12], M2 = 00 02 58 00 ‖ N[0..12]; Kx = AES(M1 ⊕ K1) ‖ AES(M2 ⊕ K1): the KDF in
        // counter mode of SP 800-108r1 over CMAC. One call for both blocks lets the processor work on them together.
        let mut blocks = [1, 2].map(|counter| {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(&nonce[..12]);
            block.iter_mut().zip(self.k1.expose()).for_each(|(to, k)| *to ^= k);
            Block::<Aes256>::from(block)
        });
        self.aes.encrypt_blocks(&mut blocks);
        let mut key = SecretBytes::new([0; 32]);
        let (first, last) = key.expose_mut().split_at_mut(16);
        first.copy_from_slice(&blocks[0]);
        last.copy_from_slice(&blocks[1]);
        blocks.iter_mut().for_each(|block| block.as_mut_slice().zeroize());
        key
    }
}

/// The part that AES-256-GCM uses as its nonce.
fn second_half(nonce: &[u8; NONCE_BYTES]) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut second = [0; 12];
    second.copy_from_slice(&nonce[12..]);
    second.into()
}

impl fmt::Debug for Xaes256Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Xaes256Gcm([redacted])")
    }
}

#[cfg(test)]
mod tests;
