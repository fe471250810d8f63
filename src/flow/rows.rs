//! The row beside a handle: sealed when a login begins, opened when it has finished.
//!
//! `K_row`, derived like `K_enc` under a label of its own, with the handle's nonce: one row for each handle, so that key and
//! nonce meet once. The associated data holds the store's form, the purpose, the application and the environment. Whoever
//! can write in the store can make a login fail, and can neither read a row nor give one login another's.

use super::Flow;
use super::begin::SealedWith;
use super::bound::replay_id;
use crate::finish_error::FinishErrorKind;
use crate::key::id::KeyId;
use crate::rows::Row;
use crate::token::aead::{NONCE_BYTES, TAG_BYTES};

impl SealedWith<'_> {
    /// The row that holds `data`; `None` if these keys have none for rows.
    pub(crate) fn row(&self, mut data: Vec<u8>) -> Option<Row> {
        let keys = self.keys.rows.as_ref()?;
        let tag = keys.encryption.encrypt(self.nonce, &keys.associated_data, &mut data).ok()?;
        data.extend_from_slice(&tag);
        // Two servers' clocks differ by the skew, and each allows for it.
        let keep_until = self.expires_at.saturating_add(u64::from(self.skew).saturating_mul(2));
        Some(Row { id: replay_id(self.nonce), value: data, now: self.now, keep_until })
    }
}

impl Flow<()> {
    /// Opens the row of a handle that this nonce and key sealed.
    pub(crate) fn open_row(
        &self,
        nonce: &[u8; NONCE_BYTES],
        key_id: KeyId,
        mut value: Vec<u8>,
    ) -> Result<Vec<u8>, FinishErrorKind> {
        // A store takes its time: a key that was revoked meanwhile opens nothing any more.
        let table = self.inner.keys.load();
        let keys = table.opening(key_id, self.inner.now())?.rows.as_ref().ok_or(FinishErrorKind::UnknownKey)?;
        let length = value.len().checked_sub(TAG_BYTES).ok_or(FinishErrorKind::Forged)?;
        let (data, tag) = value.split_at_mut(length);
        let tag: [u8; TAG_BYTES] = (&*tag).try_into().map_err(|_| FinishErrorKind::Forged)?;
        keys.encryption.decrypt(nonce, &keys.associated_data, data, &tag).map_err(|_| FinishErrorKind::Forged)?;
        value.truncate(length);
        Ok(value)
    }
}
