//! Reading from a real OpenBao.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::time::{Duration, SystemTime};

use common::{FIRST, SECOND, builder, reader, refused, text};
use oauth_state::LiveKeyRing;
use oauth_state::ring::source::{Fetched, KeySource, SourceErrorKind};
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming, Update};
use oauth_state_vault::{VaultAuth, VaultSecret};
use serde_json::json;
use servers::openbao::{OpenBao, PATH};

/// The command line compares it with its own clock before it schedules a key.
#[tokio::test]
async fn the_clock_of_the_server_is_passed_on() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    let Fetched::Document { server_time, .. } = reader(&bao).fetch(None).await.unwrap() else { panic!("no document") };
    let difference = SystemTime::now().duration_since(server_time.unwrap()).unwrap_or_default();
    assert!(difference < Duration::from_secs(30), "{difference:?}");
}

#[tokio::test]
async fn what_was_published_is_fetched_with_its_version() {
    let bao = OpenBao::start();
    let source = reader(&bao);
    for content in [FIRST, SECOND, "{\"quotes\": \"\\u00e4 \\\"\", \"long\": \"…\"}"] {
        let version = bao.publish(content);
        assert_eq!(text(&source).await, (content.to_owned(), version.to_string()));
    }
}

#[tokio::test]
async fn a_secret_that_is_written_anew_is_read_although_its_version_has_the_number_that_is_known() {
    let bao = OpenBao::start();
    let source = reader(&bao);
    bao.publish(FIRST);
    bao.remove();
    bao.publish(SECOND);
    assert!(
        matches!(source.fetch(Some("1")).await.unwrap(), Fetched::Document { text, .. } if text.expose() == SECOND)
    );
}

#[tokio::test]
async fn another_field_is_read_and_a_large_document_comes_whole() {
    let bao = OpenBao::start();
    let large = "x".repeat(200_000);
    bao.publish_fields(&json!({ "ring": FIRST, "keys": large, "count": 3 }));
    let auth = VaultAuth::token(bao.root_token().to_owned());
    let source = builder(&bao, auth).field("keys").build().unwrap();
    assert_eq!(text(&source).await.0, large);
}

#[tokio::test]
async fn a_path_with_blanks_and_signs_is_that_path() {
    let bao = OpenBao::start();
    bao.call("PUT", "secret/data/a%20b%3Fc%23d", &json!({ "data": { "ring": FIRST } }));
    let auth = VaultAuth::token(bao.root_token().to_owned());
    let source = VaultSecret::builder(bao.url(), "/secret/", "/a b?c#d/", auth).build().unwrap();
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn a_namespace_is_asked_and_not_the_one_above() {
    let bao = OpenBao::start();
    bao.call("POST", "sys/namespaces/team-a", &json!({}));
    bao.call("POST", "team-a/sys/mounts/secret", &json!({ "type": "kv", "options": { "version": "2" } }));
    bao.publish(FIRST);
    let write = json!({ "data": { "ring": SECOND } });
    tokio::time::sleep(Duration::from_secs(1)).await; // the new mount is upgraded in the background
    bao.call("PUT", &format!("team-a/secret/data/{PATH}"), &write);
    let auth = VaultAuth::token(bao.root_token().to_owned());
    let source = builder(&bao, auth.clone()).namespace("team-a").build().unwrap();
    assert_eq!(text(&source).await.0, SECOND);
    let error = refused(&builder(&bao, auth).namespace("team-b").build().unwrap()).await;
    assert!(error.to_string().contains("namespace team-b"), "{error}");
    assert_ne!(error.kind(), SourceErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_deletion_that_is_taken_back_is_read_again() {
    let bao = OpenBao::start();
    let version = bao.publish(FIRST);
    bao.delete();
    assert_eq!(refused(&reader(&bao)).await.kind(), SourceErrorKind::Missing);
    bao.undelete(version);
    assert_eq!(text(&reader(&bao)).await.0, FIRST);
}

#[tokio::test]
async fn an_outage_leaves_a_running_process_its_ring() {
    let mut bao = OpenBao::start_on_disk();
    let document = KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap();
    bao.publish(document.to_secret_text().expose());
    let (keys, mut refresher) = LiveKeyRing::load(reader(&bao), Refresh::every(Duration::from_secs(60))).await.unwrap();
    assert_eq!(refresher.refresh().await.unwrap(), Update::Unchanged);
    bao.seal();
    assert!(refresher.refresh().await.unwrap_err().to_string().contains("unseal it"));
    bao.unseal();
    assert_eq!(refresher.refresh().await.unwrap(), Update::Unchanged);
    bao.stop();
    assert!(refresher.refresh().await.is_err());
    assert_eq!((keys.ring().serial(), keys.status().failed), (1, 2), "the last good ring stays");
    bao.start_again();
    assert!(
        refresher.refresh().await.unwrap_err().to_string().contains("sealed"),
        "a server that was restarted is sealed"
    );
    bao.unseal();
    assert_eq!(refresher.refresh().await.unwrap(), Update::Unchanged);
}
