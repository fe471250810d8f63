//! The errors when a ring cannot be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, SECOND, builder, reader, refused, says, text, with_policies};
use oauth_state::ring::source::{KeySource, SourceErrorKind};
use oauth_state_vault::{VaultAuth, VaultSecret};
use serde_json::json;
use servers::openbao::{OpenBao, PATH, free_address};

#[tokio::test]
async fn nothing_is_at_the_path() {
    let bao = OpenBao::start();
    says(&refused(&reader(&bao)).await, SourceErrorKind::Missing, &["(404)", "oauth-state keys generate"]);
    bao.publish(FIRST);
    bao.remove();
    says(&refused(&reader(&bao)).await, SourceErrorKind::Missing, &["(404)"]);
}

#[tokio::test]
async fn the_latest_version_is_deleted_or_destroyed() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let version = bao.publish(SECOND);
    bao.delete();
    let error = refused(&reader(&bao)).await;
    says(&error, SourceErrorKind::Missing, &["404, version 2 is deleted", "kv undelete -versions=2"]);
    bao.destroy(version);
    let error = refused(&reader(&bao)).await;
    says(&error, SourceErrorKind::Missing, &["404, version 2 is destroyed", "kv rollback"]);
}

#[tokio::test]
async fn no_such_mount() {
    let bao = OpenBao::start();
    let auth = VaultAuth::token(bao.root_token().to_owned());
    let source = VaultSecret::builder(bao.url(), "nomount", PATH, auth).build().unwrap();
    let error = refused(&source).await;
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    assert!(error.to_string().contains("no handler for route"), "{error}");
}

#[tokio::test]
async fn the_mount_is_of_version_1() {
    let bao = OpenBao::start();
    bao.call("POST", "sys/mounts/old", &json!({ "type": "kv", "options": { "version": "1" } }));
    bao.call("PUT", &format!("old/{PATH}"), &json!({ "ring": FIRST }));
    let auth = VaultAuth::token(bao.root_token().to_owned());
    let error = refused(&VaultSecret::builder(bao.url(), "old", PATH, auth).build().unwrap()).await;
    assert_eq!(error.kind(), SourceErrorKind::Missing);
    assert!(error.to_string().contains("old/data/shop/oauth-state is a path of KV version 2"), "{error}");
}

#[tokio::test]
async fn the_field_is_not_there_or_is_no_text() {
    let bao = OpenBao::start();
    bao.publish_fields(&json!({ "other": "osk1.hidden" }));
    says(
        &refused(&reader(&bao)).await,
        SourceErrorKind::Missing,
        &["no field ring; there are: other", "ring=@ring.json"],
    );
    bao.publish_fields(&json!({ "ring": { "version": 1, "keys": ["osk1.hidden"], "revoked": ["00112233aabbccdd"] } }));
    let error = refused(&reader(&bao)).await;
    says(&error, SourceErrorKind::Document, &["the field ring is not text"]);
    assert_eq!(error.revoked().len(), 1, "its revocation takes effect anyway");
}

#[tokio::test]
async fn the_policy_does_not_grant_it() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    bao.policy("elsewhere", r#"path "secret/data/other" { capabilities = ["read"] }"#);
    let source = with_policies(&bao, &["elsewhere"]);
    let error = refused(&source).await;
    says(&error, SourceErrorKind::Denied, &["permission denied", "add `read` on secret/data/shop/oauth-state"]);
    let (role, secret) = bao.app_role(&["elsewhere"], "1h", "1h");
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    let error = refused(&source).await;
    says(&error, SourceErrorKind::Denied, &["permission denied", "add `read` on secret/data/shop/oauth-state"]);
    // A fixed policy takes effect at once.
    bao.policy("elsewhere", &format!(r#"path "secret/data/{PATH}" {{ capabilities = ["read"] }}"#));
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn a_token_that_is_unknown_or_empty() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    for token in ["s.unknownunknownunknown", "garbage"] {
        let error = refused(&builder(&bao, VaultAuth::token(token.to_owned())).build().unwrap()).await;
        says(&error, SourceErrorKind::Denied, &["403", "provide a new one"]);
        assert!(!error.to_string().contains(token));
    }
    let error = refused(&builder(&bao, VaultAuth::token("two\nlines".to_owned())).build().unwrap()).await;
    says(&error, SourceErrorKind::Misconfigured, &["invalid characters"]);
    assert!(!format!("{error} {error:?}").contains("lines"));
}

#[tokio::test]
async fn a_right_that_is_taken_away_and_given_back() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = reader(&bao);
    assert_eq!(text(&source).await.0, FIRST);
    bao.deny();
    says(&refused(&source).await, SourceErrorKind::Denied, &["403", "add `read`"]);
    bao.allow();
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn sealed_and_unsealed_again() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = reader(&bao);
    bao.seal();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["503", "sealed", "operator unseal"]);
    bao.unseal();
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn stopped_and_started_again() {
    let mut bao = OpenBao::start_on_disk();
    bao.publish(FIRST);
    let source = reader(&bao);
    assert_eq!(text(&source).await.0, FIRST);
    bao.stop();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["Connection refused"]);
    bao.start_again();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["sealed"]);
    bao.unseal();
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn a_rate_limit_quota() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = reader(&bao);
    bao.call("POST", "sys/quotas/rate-limit/tight", &json!({ "rate": 1, "path": "secret/", "interval": "60s" }));
    let mut errors = Vec::new();
    for _ in 0..3 {
        errors.extend(source.fetch(None).await.err());
    }
    says(errors.last().expect("a refusal"), SourceErrorKind::Unavailable, &["429", "rate limit quota"]);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_within_ten_seconds() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let source = VaultSecret::builder(address, "secret", PATH, VaultAuth::token("s.1".to_owned())).build().unwrap();
    let start = std::time::Instant::now();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["no answer within"]);
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

#[tokio::test]
async fn nothing_listens_or_something_else_does() {
    let address = format!("http://{}", free_address());
    let source = VaultSecret::builder(address, "secret", PATH, VaultAuth::token("s.1".to_owned())).build().unwrap();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["refused"]);
}

#[tokio::test]
async fn the_token_file_is_not_there() {
    let bao = OpenBao::start();
    let source = builder(&bao, VaultAuth::token_file("/no/such/token")).build().unwrap();
    says(&refused(&source).await, SourceErrorKind::Misconfigured, &["/no/such/token", "let the agent"]);
}
