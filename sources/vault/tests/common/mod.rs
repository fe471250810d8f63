//! Shared parts of this source's tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind};
use oauth_state_vault::{VaultAuth, VaultSecret, VaultSecretBuilder};
use servers::openbao::{OpenBao, PATH};

/// In place of a ring document, and similar to one for searches for keys.
pub(crate) const FIRST: &str = "osk1.first";
pub(crate) const SECOND: &str = "osk1.second";

pub(crate) fn builder(bao: &OpenBao, auth: VaultAuth) -> VaultSecretBuilder {
    VaultSecret::builder(bao.url(), "secret", PATH, auth)
}

/// A source with a token that has these policies.
pub(crate) fn with_policies(bao: &OpenBao, policies: &[&str]) -> VaultSecret {
    builder(bao, VaultAuth::token(bao.token(policies, "1h"))).build().unwrap()
}

pub(crate) fn reader(bao: &OpenBao) -> VaultSecret {
    with_policies(bao, &["reader"])
}

pub(crate) fn writer(bao: &OpenBao) -> VaultSecret {
    with_policies(bao, &["writer"])
}

pub(crate) async fn text(source: &VaultSecret) -> (String, String) {
    match source.fetch(None).await.unwrap() {
        Fetched::Document { text, version, .. } => (text.expose().to_owned(), version.unwrap()),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn refused(source: &VaultSecret) -> SourceError {
    source.fetch(None).await.unwrap_err()
}

/// An error names the source, its response and the remedy, and no secret.
pub(crate) fn says(error: &SourceError, kind: SourceErrorKind, parts: &[&str]) {
    let told = error.to_string();
    assert_eq!(error.kind(), kind, "{told}");
    for part in ["Vault at http", "secret secret/shop/oauth-state"].iter().chain(parts) {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
    let everything = format!("{told} {error:?} {:?}", std::error::Error::source(error));
    for secret in ["osk1.", "s.", "hvs."] {
        let hidden = |word: &str| word.starts_with(secret) && word.len() > 12;
        assert!(!everything.split([' ', '"', '(', ')', '/']).any(hidden), "{everything}");
    }
}
