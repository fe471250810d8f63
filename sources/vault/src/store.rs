//! Writing with `cas`, without losing the other fields of the secret.

use std::collections::BTreeMap;

use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Secret, errors, written_version};
use crate::session::json;
use crate::{VaultSecret, explain};

#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: BTreeMap<&'a str, Field<'a>>,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Ours(&'a str),
    Others(&'a RawValue),
}

/// Replaces the expected version with the document, and returns the new version.
pub(crate) async fn store(
    source: &VaultSecret,
    document: &SecretString,
    expected: Option<&str>,
) -> Result<Option<String>, SourceError> {
    let name = &source.http.name;
    let read = source.get().await?;
    let secret = Secret::of(&read);
    let (cas, others) = match read.status {
        200 => {
            let secret = secret.ok_or_else(|| explain::no_answer(name, &read))?;
            let fields = secret.data.unwrap_or_default();
            // A secret of others, without our field, contains no ring.
            let present = fields.contains_key(&source.field);
            let version = secret.metadata.version;
            let as_expected = match expected {
                Some(expected) => present && expected == version.to_string(),
                None => !present,
            };
            if !as_expected {
                return Err(conflict(name, Some(version)));
            }
            (version, fields)
        }
        404 if errors(&read).contains("no handler") => return Err(explain::missing(name, &read, &source.policy_path)),
        404 if expected.is_some() => return Err(conflict(name, None)),
        // A deleted or destroyed version no longer exists, but still counts.
        404 => (secret.map_or(0, |secret| secret.metadata.version), BTreeMap::new()),
        _ => return Err(source.refused("read", &read).await),
    };
    let mut data: BTreeMap<&str, Field<'_>> =
        others.iter().map(|(name, value)| (name.as_str(), Field::Others(value))).collect();
    data.insert(&source.field, Field::Ours(document.expose()));
    let body = json(&source.http, &Write { options: Options { cas }, data })?;
    let written = source.ask("PUT", Some(body)).await?;
    match written.status {
        200..=299 => match written_version(&written) {
            Some(version) => Ok(Some(version.to_string())),
            None => Err(explain::no_answer(name, &written)),
        },
        400 if errors(&written).contains("check-and-set") => Err(conflict(name, None)),
        _ => Err(source.refused("create` and `update", &written).await),
    }
}

fn conflict(name: &str, present: Option<u64>) -> SourceError {
    match present {
        Some(version) => {
            SourceError::new(name, SourceErrorKind::Conflict, format_args!("version {version} already exists"))
        }
        None => SourceError::new(name, SourceErrorKind::Conflict, "the expected version is not the latest one"),
    }
}
