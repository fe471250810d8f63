//! Tokens that are renewed, expire and are revoked, on a real OpenBao.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::time::Duration;

use common::{FIRST, builder, refused, says, text};
use oauth_state::ring::source::{KeySource, SourceErrorKind};
use oauth_state_vault::VaultAuth;
use servers::openbao::OpenBao;

async fn seconds(seconds: f32) {
    tokio::time::sleep(Duration::from_secs_f32(seconds)).await;
}

#[tokio::test]
async fn a_token_that_expired_says_so() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = builder(&bao, VaultAuth::token(bao.token(&["reader"], "1s"))).build().unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    seconds(2.0).await;
    says(&refused(&source).await, SourceErrorKind::Denied, &["403", "has expired, was revoked"]);
}

#[tokio::test]
async fn a_token_in_use_is_renewed_and_outlives_its_time() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = builder(&bao, VaultAuth::token(bao.token(&["reader"], "3s"))).build().unwrap();
    for _ in 0..6 {
        assert_eq!(text(&source).await.0, FIRST);
        seconds(1.0).await;
    }
}

#[tokio::test]
async fn a_token_without_the_default_policy_is_used_as_it_is() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let wish = serde_json::json!({ "policies": ["reader"], "no_default_policy": true, "ttl": "1h" });
    let token = bao.call("POST", "auth/token/create", &wish)["auth"]["client_token"].as_str().unwrap().to_owned();
    let source = builder(&bao, VaultAuth::token(token)).build().unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn a_token_whose_first_use_met_a_sealed_server_is_renewed_as_well() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let source = builder(&bao, VaultAuth::token(bao.token(&["reader"], "4s"))).build().unwrap();
    bao.seal();
    says(&refused(&source).await, SourceErrorKind::Unavailable, &["sealed"]);
    bao.unseal();
    for _ in 0..6 {
        assert_eq!(text(&source).await.0, FIRST);
        seconds(1.0).await;
    }
}

#[tokio::test]
async fn app_role_logs_in_once_and_renews() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "3s", "1h");
    let before = bao.tokens();
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    for _ in 0..6 {
        assert_eq!(text(&source).await.0, FIRST);
        assert_eq!(bao.tokens(), before + 1, "one token for all of it");
        seconds(1.0).await;
    }
}

#[tokio::test]
async fn app_role_logs_in_anew_when_the_longest_time_is_reached() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "2s", "4s");
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    for _ in 0..12 {
        assert_eq!(text(&source).await.0, FIRST);
        seconds(0.5).await;
    }
    // Between two fetches that are further apart than a token's lifetime.
    seconds(3.0).await;
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn app_role_logs_in_anew_when_the_token_was_revoked() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "1h", "1h");
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    let before = bao.tokens();
    bao.revoke_app_role_tokens();
    assert_eq!(bao.tokens(), before - 1, "the token is gone");
    assert_eq!(text(&source).await.0, FIRST);
    assert_eq!(bao.tokens(), before, "and there is a new one");
}

#[tokio::test]
async fn app_role_is_told_what_is_wrong_with_a_login() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "1h", "1h");
    let wrong = builder(&bao, VaultAuth::app_role(role.clone(), "not-the-secret-id".to_owned())).build().unwrap();
    let error = refused(&wrong).await;
    says(&error, SourceErrorKind::Denied, &["login at auth/approle: 400", "valid role id and secret id"]);
    assert!(!error.to_string().contains("not-the-secret-id"));
    let elsewhere = builder(&bao, VaultAuth::app_role(role, secret.clone()).mount("nowhere")).build().unwrap();
    let error = refused(&elsewhere).await;
    says(&error, SourceErrorKind::Denied, &["login at auth/nowhere: 403", "mount of AppRole"]);
    assert!(!error.to_string().contains(&secret));
}

#[tokio::test]
async fn a_secret_id_in_a_file_can_be_exchanged() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "1h", "1h");
    let path = std::env::temp_dir().join(format!("oauth-state-vault-secret-id-{}", std::process::id()));
    let source = builder(&bao, VaultAuth::app_role_with_file(role, &path)).build().unwrap();
    std::fs::write(&path, "an-old-one\n").unwrap();
    assert_eq!(refused(&source).await.kind(), SourceErrorKind::Denied);
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_token_file_is_read_anew_at_every_fetch() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let path = std::env::temp_dir().join(format!("oauth-state-vault-token-{}", std::process::id()));
    let source = builder(&bao, VaultAuth::token_file(&path)).build().unwrap();
    let first = bao.token(&["reader"], "1h");
    std::fs::write(&path, format!("{first}\n")).unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    bao.revoke(&first);
    says(&refused(&source).await, SourceErrorKind::Denied, &["403", "provide a new one"]);
    std::fs::write(&path, bao.token(&["reader"], "1h")).unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn while_sealed_a_login_is_unavailable_and_not_denied() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "1h", "1h");
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    bao.seal();
    says(&source.fetch(None).await.unwrap_err(), SourceErrorKind::Unavailable, &["sealed", "operator unseal"]);
    bao.unseal();
    assert_eq!(text(&source).await.0, FIRST);
}

/// Logins do not fix a policy that lacks a right; each would leave a token behind, and use up the secret id.
#[tokio::test]
async fn a_missing_right_costs_one_login_and_not_one_for_each_attempt() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let (role, secret) = bao.app_role(&["reader"], "1h", "2h");
    let source = builder(&bao, VaultAuth::app_role(role, secret)).build().unwrap();
    assert_eq!(text(&source).await.0, FIRST);
    bao.deny();
    let before = bao.tokens();
    for _ in 0..5 {
        says(&refused(&source).await, SourceErrorKind::Denied, &["403", "add `read`"]);
    }
    assert_eq!(bao.tokens(), before + 1);
    bao.allow();
    assert_eq!(text(&source).await.0, FIRST);
}
