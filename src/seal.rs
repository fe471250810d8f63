//! From claims to the state's text.

use crate::base64url;
use crate::claims::codec::Claims;
use crate::claims::data;
use crate::token::aead::NONCE_BYTES;
use crate::token::keys::PurposeKeys;
use crate::token::wire;

/// Why no state was sealed.
#[derive(Debug)]
pub(crate) enum SealError {
    /// The text would have `actual` characters.
    TooLong { actual: usize },
    /// The application's data could not be serialized.
    Data(serde_json::Error),
}

/// Seals `claims` and the application's data `value` under `nonce`, which is used once, if the text has at most `limit` characters.
pub(crate) fn seal<T: serde::Serialize>(
    keys: &PurposeKeys,
    nonce: &[u8; NONCE_BYTES],
    claims: &Claims<'_>,
    value: &T,
    limit: usize,
) -> Result<String, SealError> {
    // Enough for everything except the data, so the usual state needs only this allocation and its text.
    let fields = [claims.provider.len(), claims.tenant.len(), claims.redirect.len(), claims.return_to.len()];
    let around = keys.form.around_bytes().saturating_add(64);
    let mut bytes = Vec::with_capacity(fields.iter().fold(around, |sum, length| sum.saturating_add(*length)));
    wire::write_head(keys.form, keys.id, nonce, &mut bytes);
    claims.write_without_data(&mut bytes);
    data::write(value, &mut bytes).map_err(SealError::Data)?;
    let actual = base64url::encoded_len(bytes.len().saturating_add(keys.form.tag_bytes()));
    if actual > limit {
        return Err(SealError::TooLong { actual });
    }
    // The constructions refuse texts that are too long to encrypt, which is above every limit here.
    keys.seal(nonce, &mut bytes).map_err(|_| SealError::TooLong { actual })?;
    Ok(base64url::encode(&bytes))
}
