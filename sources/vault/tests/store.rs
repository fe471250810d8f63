//! Writing a rotation: only a writer that has read the current version replaces it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, SECOND, reader, says, text, writer};
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceErrorKind, WritableSource};
use serde_json::json;
use servers::openbao::OpenBao;

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[tokio::test]
async fn the_version_that_was_read_is_replaced_again_and_again() {
    let bao = OpenBao::start();
    let mut version = bao.publish(FIRST).to_string();
    let source = writer(&bao);
    for number in 0..4 {
        let written = format!("osk1.{number}");
        version = source.store(&secret(&written), Some(&version)).await.unwrap().unwrap();
        assert_eq!(text(&source).await, (written, version.clone()));
    }
    assert_eq!(version, "5");
}

#[tokio::test]
async fn a_version_that_is_no_longer_the_latest_is_a_conflict() {
    let bao = OpenBao::start();
    let stale = bao.publish(FIRST).to_string();
    bao.publish(SECOND);
    for other in [&*stale, "7", "never-there", ""] {
        let error = writer(&bao).store(&secret("osk1.third"), Some(other)).await.unwrap_err();
        says(&error, SourceErrorKind::Conflict, &["version 2 already exists", "read it again"]);
    }
    assert_eq!(bao.read().unwrap(), (json!({ "ring": SECOND }), 2));
}

#[tokio::test]
async fn the_first_write_is_for_an_empty_place_alone() {
    let bao = OpenBao::start();
    assert_eq!(writer(&bao).store(&secret(FIRST), None).await.unwrap().as_deref(), Some("1"));
    let error = writer(&bao).store(&secret(SECOND), None).await.unwrap_err();
    says(&error, SourceErrorKind::Conflict, &["version 1 already exists"]);
    assert_eq!(bao.read().unwrap(), (json!({ "ring": FIRST }), 1));
    bao.remove();
    let error = writer(&bao).store(&secret(SECOND), Some("1")).await.unwrap_err();
    says(&error, SourceErrorKind::Conflict, &[]);
    assert!(bao.read().is_none());
}

#[tokio::test]
async fn what_was_deleted_or_destroyed_can_be_written_anew() {
    let bao = OpenBao::start();
    bao.publish(FIRST);
    bao.delete();
    assert_eq!(writer(&bao).store(&secret(SECOND), Some("1")).await.unwrap_err().kind(), SourceErrorKind::Conflict);
    assert_eq!(writer(&bao).store(&secret(SECOND), None).await.unwrap().as_deref(), Some("2"));
    bao.destroy(2);
    assert_eq!(writer(&bao).store(&secret(FIRST), None).await.unwrap().as_deref(), Some("3"));
    assert_eq!(text(&reader(&bao)).await.0, FIRST);
}

#[tokio::test]
async fn other_fields_of_the_secret_stay() {
    let bao = OpenBao::start();
    let others = json!({ "password": "p\"w", "nested": { "a": [1, 2.50, null] }, "count": 42 });
    let version = bao.publish_fields(&others).to_string();
    assert_eq!(
        writer(&bao).store(&secret(FIRST), Some(&version)).await.unwrap_err().kind(),
        SourceErrorKind::Conflict,
        "there is no ring yet"
    );
    let version = writer(&bao).store(&secret(FIRST), None).await.unwrap().unwrap();
    writer(&bao).store(&secret(SECOND), Some(&version)).await.unwrap();
    let (fields, _) = bao.read().unwrap();
    assert_eq!(fields["ring"], SECOND);
    for (name, value) in others.as_object().unwrap() {
        assert_eq!(&fields[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_reader_may_not_write() {
    let bao = OpenBao::start();
    let version = bao.publish(FIRST).to_string();
    let error = reader(&bao).store(&secret(SECOND), Some(&version)).await.unwrap_err();
    let right = "add `create` and `update` on secret/data/shop/oauth-state";
    says(&error, SourceErrorKind::Denied, &["permission denied", right]);
    assert_eq!(bao.read().unwrap().0["ring"], FIRST);
}

#[tokio::test]
async fn a_sealed_server_takes_nothing() {
    let bao = OpenBao::start();
    let version = bao.publish(FIRST).to_string();
    let source = writer(&bao);
    bao.seal();
    let error = source.store(&secret(SECOND), Some(&version)).await.unwrap_err();
    says(&error, SourceErrorKind::Unavailable, &["sealed"]);
    bao.unseal();
    assert_eq!(bao.read().unwrap().0["ring"], FIRST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_at_the_same_time_exactly_one_succeeds() {
    let bao = OpenBao::start();
    let mut version: Option<String> = None;
    for round in 0..50 {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (source, version) = (self::writer(&bao), version.clone());
                tokio::spawn(async move {
                    let written = format!("osk1.{round}-{writer}");
                    source.store(&secret(&written), version.as_deref()).await.map(|version| (written, version.unwrap()))
                })
            })
            .collect();
        let mut done = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(written) => done.push(written),
                Err(error) => says(&error, SourceErrorKind::Conflict, &[]),
            }
        }
        assert_eq!(done.len(), 1, "round {round}: {done:?}");
        assert_eq!(text(&reader(&bao)).await, done[0]);
        version = Some(done.remove(0).1);
    }
}
