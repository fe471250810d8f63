//! The locations of the five sources, and a client for each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport, Url};
use azure_core::time::{Duration, OffsetDateTime};
use azure_security_keyvault_secrets::SecretClient;
use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use http::{Extensions, HeaderMap, HeaderValue};
use oauth_state::ring::source::{FileSource, WritableSource};
use oauth_state_aws::AwsSecret;
use oauth_state_aws::aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config};
use oauth_state_azure::{AzureSecret, client_options};
use oauth_state_gcp::GcpSecret;
use oauth_state_vault::{VaultAuth, VaultSecret};
use servers::azure_stub::AzureStub;
use servers::gcp_stub::GcpStub;
use servers::moto::Moto;
use servers::openbao::OpenBao;
use servers::{azure_stub, gcp_stub, moto, openbao};

use crate::Failure;

/// The name of the secret in AWS Secrets Manager.
pub const AWS_SECRET: &str = "prod/oauth-state";
/// The alias of the version in Google Secret Manager: it can be moved only from the version that was read.
pub const GCP_ALIAS: &str = "current";

/// The addresses and throw-away credentials that a process needs, passed in its environment. They belong to servers
/// that end with the trial.
pub struct Places {
    pub file: PathBuf,
    pub aws: String,
    pub aws_key: (String, String),
    pub vault: String,
    pub vault_token: String,
    pub gcp: String,
    pub azure: String,
}

const VARIABLES: [&str; 8] = [
    "TRIAL_FILE",
    "TRIAL_AWS",
    "TRIAL_AWS_KEY",
    "TRIAL_AWS_SECRET",
    "TRIAL_VAULT",
    "TRIAL_VAULT_TOKEN",
    "TRIAL_GCP",
    "TRIAL_AZURE",
];

impl Places {
    /// The places of these servers, and a file in this folder.
    pub fn of(folder: &Path, moto: &Moto, bao: &OpenBao, gcp: &GcpStub, azure: &AzureStub) -> Self {
        let (access, secret) = moto.access_key();
        Self {
            file: folder.join("ring.json"),
            aws: moto.url(),
            aws_key: (access.to_owned(), secret.to_owned()),
            vault: bao.url(),
            vault_token: bao.token(&["writer"], "1h"),
            gcp: gcp.address(),
            azure: azure.address(),
        }
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let Self { file, aws, aws_key, vault, vault_token, gcp, azure } = self;
        let file = file.display().to_string();
        let values = [&file, aws, &aws_key.0, &aws_key.1, vault, vault_token, gcp, azure];
        VARIABLES.into_iter().zip(values.map(Clone::clone)).collect()
    }

    pub fn from_environment() -> Result<Self, Failure> {
        let value = |index: usize| std::env::var(VARIABLES[index]);
        Ok(Self {
            file: value(0)?.into(),
            aws: value(1)?,
            aws_key: (value(2)?, value(3)?),
            vault: value(4)?,
            vault_token: value(5)?,
            gcp: value(6)?,
            azure: value(7)?,
        })
    }

    /// A separate client for each source, as on a server.
    pub async fn source(&self, name: &str) -> Result<Box<dyn WritableSource>, Failure> {
        Ok(match name {
            "file" => Box::new(FileSource::new(&self.file).watch()),
            "aws" => Box::new(AwsSecret::new(self.aws_client(), AWS_SECRET)),
            "vault" => {
                let auth = VaultAuth::token(self.vault_token.clone());
                Box::new(VaultSecret::builder(self.vault.clone(), "secret", openbao::PATH, auth).build()?)
            }
            "gcp" => Box::new(GcpSecret::new(gcp_client(&self.gcp).await?, gcp_stub::SECRET).version(GCP_ALIAS)),
            "azure" => Box::new(AzureSecret::new(azure_client(&self.azure)?, azure_stub::SECRET)),
            other => return Err(format!("unknown source {other}").into()),
        })
    }

    fn aws_client(&self) -> Client {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(moto::REGION))
            .endpoint_url(&self.aws)
            .http_client(http)
            .credentials_provider(Credentials::new(&self.aws_key.0, &self.aws_key.1, None, None, "trial"));
        Client::from_conf(config.build())
    }
}

/// A token for the stub of Google Secret Manager.
#[derive(Debug)]
struct GcpToken;

impl CredentialsProvider for GcpToken {
    async fn headers(&self, _: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {}", gcp_stub::TOKEN)).unwrap());
        Ok(CacheableResource::New { entity_tag: EntityTag::default(), data: headers })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

async fn gcp_client(address: &str) -> Result<SecretManagerService, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(SecretManagerService::builder().with_endpoint(address).with_credentials(GcpToken).build().await?)
}

/// A token for the stub of Azure Key Vault.
#[derive(Debug)]
struct AzureToken;

#[async_trait::async_trait]
impl TokenCredential for AzureToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(azure_stub::TOKEN, OffsetDateTime::now_utc().saturating_add(Duration::hours(1))))
    }
}

/// Sends requests for the vault to the stub: the client refuses an address without TLS.
#[derive(Debug)]
struct ToStub {
    address: Url,
    client: reqwest::Client,
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

fn azure_client(address: &str) -> Result<SecretClient, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let to_stub = ToStub { address: address.parse()?, client: reqwest::Client::new() };
    let mut options = client_options();
    options.client_options.transport = Some(Transport::new(Arc::new(to_stub)));
    Ok(SecretClient::new(azure_stub::VAULT, Arc::new(AzureToken), Some(options))?)
}
