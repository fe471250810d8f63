//! Tests of the source against the STUB of Azure Key Vault, since there is no emulator.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests fail loudly")]

mod fetch;
#[cfg(feature = "environment")]
mod helper;
mod store;

use std::sync::Arc;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport, Url};
use azure_core::time::{Duration, OffsetDateTime};
use azure_security_keyvault_secrets::SecretClient;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{Fetched, KeySource, SourceError};
use oauth_state_azure::{AzureSecret, client_options};
use servers::azure_stub::{AzureStub, SECRET, VAULT};

/// Sends requests for the vault to the stub: the client refuses an address without TLS, and the challenge is compared
/// with the vault's name.
#[derive(Debug)]
pub(crate) struct ToStub {
    address: Url,
    client: reqwest::Client,
}

impl ToStub {
    pub(crate) fn transport(address: &str) -> Transport {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Transport::new(Arc::new(Self { address: address.parse().unwrap(), client: reqwest::Client::new() }))
    }
}

#[async_trait::async_trait]
impl HttpClient for ToStub {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut there = self.address.clone();
        there.set_path(request.url().path());
        there.set_query(request.url().query());
        let mut sent = Request::new(there, request.method());
        for (name, value) in request.headers().iter() {
            sent.insert_header(name.clone(), value.clone());
        }
        sent.set_body(request.body().clone());
        self.client.execute_request(&sent).await
    }
}

/// Returns a fixed token, or fails if there is none.
#[derive(Debug)]
pub(crate) struct Token(pub(crate) Option<&'static str>);

#[async_trait::async_trait]
impl TokenCredential for Token {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let none = || azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, "please run az login");
        let in_an_hour = OffsetDateTime::now_utc().saturating_add(Duration::hours(1));
        Ok(AccessToken::new(self.0.ok_or_else(none)?, in_an_hour))
    }
}

pub(crate) fn client(vault: &str, stub: &AzureStub, token: Option<&'static str>) -> SecretClient {
    let mut options = client_options();
    options.client_options.transport = Some(ToStub::transport(&stub.address()));
    SecretClient::new(vault, Arc::new(Token(token)), Some(options)).unwrap()
}

pub(crate) fn source(stub: &AzureStub) -> AzureSecret {
    AzureSecret::new(client(VAULT, stub, Some(servers::azure_stub::TOKEN)), SECRET)
}

/// The text and the version of a fetch.
pub(crate) async fn read(source: &AzureSecret) -> Result<(String, String), SourceError> {
    match source.fetch(None).await? {
        Fetched::Document { text, version, .. } => Ok((text.expose().to_owned(), version.unwrap())),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}
