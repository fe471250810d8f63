//! Shared parts of this source's tests.
#![allow(dead_code, reason = "each test file uses a part of it")]

use oauth_state::ring::source::{Fetched, KeySource, SourceError, SourceErrorKind};
use oauth_state_aws::AwsSecret;
use oauth_state_aws::aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config};
use servers::moto::{Moto, REGION};

pub(crate) const SECRET: &str = "prod/oauth-state";
/// In place of a ring document, and similar to one for searches for keys.
pub(crate) const FIRST: &str = "osk1.first";
pub(crate) const SECOND: &str = "osk1.second";

pub(crate) fn client(url: &str, key: (&str, &str)) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .http_client(http)
        .credentials_provider(Credentials::new(key.0, key.1, None, None, "test"));
    Client::from_conf(config.build())
}

pub(crate) fn source(moto: &Moto) -> AwsSecret {
    AwsSecret::new(client(&moto.url(), moto.access_key()), SECRET)
}

pub(crate) async fn text(source: &AwsSecret) -> (String, String) {
    match source.fetch(None).await.unwrap() {
        Fetched::Document { text, version, .. } => (text.expose().to_owned(), version.unwrap()),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn refused(source: &AwsSecret) -> SourceError {
    source.fetch(None).await.unwrap_err()
}

/// An error names the source, its response and the remedy, and no secret.
pub(crate) fn says(error: &SourceError, kind: SourceErrorKind, parts: &[&str]) {
    let told = error.to_string();
    assert_eq!(error.kind(), kind, "{told}");
    for part in ["AWS Secrets Manager in eu-central-1", SECRET].iter().chain(parts) {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
    let everything = format!("{told} {error:?} {:?}", std::error::Error::source(error));
    assert!(!everything.contains("osk1."), "{everything}");
}
