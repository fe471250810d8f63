//! The errors when a ring cannot be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, SECRET, client, refused, says, source};
use oauth_state::ring::source::{KeySource, SourceErrorKind};
use oauth_state_aws::AwsSecret;
use oauth_state_aws::aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use oauth_state_aws::aws_sdk_secretsmanager::{Client, Config};
use servers::moto::{Fault, Moto, REGION, free_address};

#[tokio::test]
async fn no_such_secret() {
    let error = refused(&source(&Moto::start())).await;
    says(&error, SourceErrorKind::Missing, &["ResourceNotFoundException", "oauth-state keys generate"]);
}

#[tokio::test]
async fn no_such_staging_label() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    let error = refused(&source(&moto).staging_label("BLUE")).await;
    says(&error, SourceErrorKind::Missing, &["staging label BLUE", "ResourceNotFoundException"]);
}

#[tokio::test]
async fn a_secret_that_has_no_value_yet() {
    let moto = Moto::start();
    moto.create_empty(SECRET);
    says(&refused(&source(&moto)).await, SourceErrorKind::Missing, &["ResourceNotFoundException"]);
}

#[tokio::test]
async fn marked_for_deletion() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    moto.delete(SECRET);
    let error = refused(&source(&moto)).await;
    says(&error, SourceErrorKind::Missing, &["InvalidRequestException", "aws secretsmanager restore-secret"]);
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let moto = Moto::start();
    // {"revoked": ["00112233aabbccdd"], "note": "…"} with one letter in Latin-1.
    moto.publish_bytes(SECRET, "eyJyZXZva2VkIjogWyIwMDExMjIzM2FhYmJjY2RkIl0sICJub3RlIjogIvwifQ==");
    let error = refused(&source(&moto)).await;
    says(&error, SourceErrorKind::Document, &["not UTF-8", "SecretString"]);
    assert_eq!(error.revoked().len(), 1, "its revocation takes effect anyway");
}

#[tokio::test]
async fn no_right_to_read() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    moto.deny();
    // moto's IAM refuses with 403 and XML, which Secrets Manager never sends; the SDK reads only the status.
    let error = refused(&source(&moto)).await;
    says(&error, SourceErrorKind::Denied, &["(403)", "add secretsmanager:GetSecretValue on this secret"]);
    moto.allow();
    assert!(source(&moto).fetch(None).await.is_ok());
    // The response of AWS itself, from the stub.
    moto.fault(answer(400, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/reader is not authorized"));
    let error = refused(&source(&moto)).await;
    says(
        &error,
        SourceErrorKind::Denied,
        &["400 AccessDeniedException User: arn", "add secretsmanager:GetSecretValue on"],
    );
}

#[tokio::test]
async fn an_access_key_that_is_not_known() {
    let moto = Moto::start();
    moto.deny();
    let unknown = AwsSecret::new(client(&moto.url(), ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI")), SECRET);
    let error = refused(&unknown).await;
    says(&error, SourceErrorKind::Denied, &["(403)", "renew its credentials"]);
    assert!(!error.to_string().contains("wJalrXUtnFEMI"));
}

#[tokio::test]
async fn credentials_that_are_invalid_or_have_expired() {
    let moto = Moto::start();
    moto.fault(answer(400, "UnrecognizedClientException", "The security token included in the request is invalid."));
    says(
        &refused(&source(&moto)).await,
        SourceErrorKind::Denied,
        &["UnrecognizedClientException", "valid credentials"],
    );
    moto.fault(answer(400, "ExpiredTokenException", "The security token included in the request is expired"));
    says(&refused(&source(&moto)).await, SourceErrorKind::Denied, &["ExpiredTokenException", "renew the credentials"]);
}

#[tokio::test]
async fn throttled_and_not_tried_again_by_the_source() {
    let moto = Moto::start();
    moto.fault(Fault::throttling());
    let error = refused(&source(&moto)).await;
    says(&error, SourceErrorKind::Unavailable, &["400 ThrottlingException Rate exceeded", "refresh less often"]);
    assert_eq!(moto.connections(), 1);
}

#[tokio::test]
async fn out_of_order() {
    let moto = Moto::start();
    for status in [500, 502, 503] {
        moto.fault(answer(status, "InternalServiceError", "An error occurred on the server side"));
        says(&refused(&source(&moto)).await, SourceErrorKind::Unavailable, &[&status.to_string()]);
    }
    moto.fault(Fault::Answer(503, "<html>a proxy's page</html>".to_owned()));
    says(&refused(&source(&moto)).await, SourceErrorKind::Unavailable, &["503"]);
    moto.fault(Fault::Answer(200, "osk1.not-an-answer".to_owned()));
    says(&refused(&source(&moto)).await, SourceErrorKind::Unavailable, &["200"]);
}

#[tokio::test]
async fn the_kms_key_is_disabled() {
    let moto = Moto::start();
    moto.fault(answer(400, "DecryptionFailure", "Secrets Manager can't decrypt the protected secret text"));
    says(&refused(&source(&moto)).await, SourceErrorKind::Denied, &["DecryptionFailure", "kms:Decrypt"]);
}

#[tokio::test]
async fn the_connection_ends_without_an_answer() {
    let moto = Moto::start();
    moto.fault(Fault::HangUp);
    says(&refused(&source(&moto)).await, SourceErrorKind::Unavailable, &["it is tried again"]);
}

#[tokio::test]
async fn nothing_listens() {
    let nobody = AwsSecret::new(client(&format!("http://{}", free_address()), ("id", "secret")), SECRET);
    says(&refused(&nobody).await, SourceErrorKind::Unavailable, &["refused"]);
}

#[tokio::test]
async fn neither_credentials_nor_a_region() {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).http_client(http);
    let region = config.clone().region(Region::new(REGION)).build();
    let error = refused(&AwsSecret::new(Client::from_conf(region), SECRET)).await;
    says(&error, SourceErrorKind::Denied, &["AWS_ACCESS_KEY_ID"]);

    let credentials = config.credentials_provider(Credentials::new("id", "secret", None, None, "test")).build();
    let error = AwsSecret::new(Client::from_conf(credentials), SECRET).fetch(None).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured, "{error}");
    assert!(error.to_string().ends_with("set AWS_REGION, or the region of the client"), "{error}");
}

#[tokio::test]
async fn a_message_that_repeats_the_document_is_not_told() {
    let moto = Moto::start();
    moto.fault(answer(400, "ValidationException", "Value 'osk1.abc' at 'secretString' failed to satisfy constraint"));
    let error = refused(&source(&moto)).await;
    says(&error, SourceErrorKind::Misconfigured, &["400 ValidationException"]);
}

#[tokio::test]
async fn no_name_at_all() {
    let moto = Moto::start();
    let nameless = AwsSecret::new(client(&moto.url(), moto.access_key()), "");
    assert_eq!(refused(&nameless).await.kind(), SourceErrorKind::Misconfigured);
    let error = refused(&source(&moto).staging_label("")).await;
    says(&error, SourceErrorKind::Misconfigured, &["the staging label is empty"]);
    assert_eq!(moto.connections(), 0);
}

fn answer(status: u16, code: &str, message: &str) -> Fault {
    Fault::Answer(status, serde_json::json!({ "__type": code, "message": message }).to_string())
}
