//! Tests of the source against the STUB of Google Secret Manager, since there is no emulator.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests fail loudly")]

mod fetch;
#[cfg(feature = "environment")]
mod helper;
mod store;

use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use http::{Extensions, HeaderMap, HeaderValue};
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{Fetched, KeySource, SourceError};
use oauth_state_gcp::GcpSecret;
use servers::gcp_stub::{GcpStub, SECRET, TOKEN};

/// Returns a fixed token.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) &'static str);

impl CredentialsProvider for Token {
    async fn headers(&self, _: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {}", self.0)).unwrap());
        Ok(CacheableResource::New { entity_tag: EntityTag::default(), data: headers })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

pub(crate) async fn client(address: &str, token: &'static str) -> SecretManagerService {
    let _ = rustls::crypto::ring::default_provider().install_default();
    SecretManagerService::builder().with_endpoint(address).with_credentials(Token(token)).build().await.unwrap()
}

pub(crate) async fn source(stub: &GcpStub, version: &str) -> GcpSecret {
    GcpSecret::new(client(&stub.address(), TOKEN).await, SECRET).version(version)
}

/// The text and the version of a fetch.
pub(crate) async fn read(source: &GcpSecret) -> Result<(String, String), SourceError> {
    match source.fetch(None).await? {
        Fetched::Document { text, version, .. } => Ok((text.expose().to_owned(), version.unwrap())),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}
