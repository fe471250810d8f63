//! The form of Vault's responses.

use std::collections::BTreeMap;

use oauth_state::ring::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::Answer;

/// `{"data": …}`, around the requested data.
#[derive(Deserialize)]
struct Around<T> {
    data: T,
}

/// A secret of KV version 2, or the rest of a deleted one. The texts stay in the buffer in which they were received.
#[derive(Deserialize)]
pub(crate) struct Secret<'a> {
    #[serde(borrow, default = "none")]
    pub(crate) data: Option<BTreeMap<String, &'a RawValue>>,
    pub(crate) metadata: Metadata,
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) destroyed: bool,
}

fn none<T>() -> Option<T> {
    None
}

/// The fault of the field that should contain the document.
pub(crate) enum FieldError {
    /// It is missing; these exist.
    Absent(Vec<String>),
    NotText,
}

impl<'a> Secret<'a> {
    pub(crate) fn of(answer: &'a Answer) -> Option<Self> {
        Some(serde_json::from_slice::<Around<Self>>(&answer.body).ok()?.data)
    }

    pub(crate) fn version(&self) -> Option<String> {
        Some(self.metadata.version.to_string())
    }

    pub(crate) fn text(&self, field: &str) -> Result<SecretString, FieldError> {
        let fields = self.data.as_ref();
        let value = fields.and_then(|fields| fields.get(field)).ok_or_else(|| {
            FieldError::Absent(fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default())
        })?;
        serde_json::from_str(value.get()).map_err(|_| FieldError::NotText)
    }
}

/// The version that a write created.
pub(crate) fn written_version(answer: &Answer) -> Option<u64> {
    serde_json::from_slice::<Around<Metadata>>(&answer.body).ok().map(|around| around.data.version)
}

/// A token that was created or renewed.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub(crate) client_token: SecretString,
    pub(crate) lease_duration: u64,
    #[serde(default)]
    pub(crate) renewable: bool,
}

pub(crate) fn granted(answer: &Answer) -> Option<Granted> {
    #[derive(Deserialize)]
    struct Login {
        auth: Granted,
    }
    serde_json::from_slice::<Login>(&answer.body).ok().map(|login| login.auth)
}

/// A token's description of itself.
#[derive(Deserialize)]
pub(crate) struct Looked {
    pub(crate) ttl: u64,
    #[serde(default)]
    pub(crate) renewable: bool,
}

pub(crate) fn looked(answer: &Answer) -> Option<Looked> {
    serde_json::from_slice::<Around<Looked>>(&answer.body).ok().map(|around| around.data)
}

/// The server's error messages, which never repeat the request.
pub(crate) fn errors(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<String>,
    }
    let errors =
        serde_json::from_slice::<Errors>(&answer.body).map(|answer| answer.errors.join("; ")).unwrap_or_default();
    // Some are lists with line breaks and tabs.
    errors.split_whitespace().collect::<Vec<_>>().join(" ")
}
