//! Writing a rotation: only a writer that has read the current version replaces it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, SECOND, SECRET, client, says, source, text};
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceErrorKind, WritableSource};
use oauth_state_aws::AwsSecret;
use servers::moto::{Fault, Moto};

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[tokio::test]
async fn the_version_that_was_read_is_replaced_again_and_again() {
    let moto = Moto::start();
    let mut version = moto.publish(SECRET, FIRST);
    let source = source(&moto);
    for number in 0..4 {
        let written = format!("osk1.{number}");
        version = source.store(&secret(&written), Some(&version)).await.unwrap().unwrap();
        assert_eq!(text(&source).await, (written, version.clone()));
    }
    assert_eq!(moto.read(SECRET, "AWSPREVIOUS").unwrap().0, "osk1.2");
    assert_eq!(moto.labels(SECRET), ["AWSCURRENT", "AWSPREVIOUS"], "no other label is left");
}

#[tokio::test]
async fn a_version_that_is_no_longer_current_is_a_conflict() {
    let moto = Moto::start();
    let stale = moto.publish(SECRET, FIRST);
    let current = moto.publish(SECRET, SECOND);
    for other in [&*stale, "never-there"] {
        let error = source(&moto).store(&secret("osk1.third"), Some(other)).await.unwrap_err();
        says(&error, SourceErrorKind::Conflict, &["read it again"]);
    }
    assert_eq!(moto.read(SECRET, "AWSCURRENT").unwrap(), (SECOND.to_owned(), current));
    assert_eq!(moto.labels(SECRET), ["AWSCURRENT", "AWSPREVIOUS"]);
}

#[tokio::test]
async fn the_first_write_creates_the_secret_and_the_second_is_a_conflict() {
    let moto = Moto::start();
    let source = source(&moto);
    let version = source.store(&secret(FIRST), None).await.unwrap().unwrap();
    assert_eq!(text(&source).await, (FIRST.to_owned(), version));
    let error = source.store(&secret(SECOND), None).await.unwrap_err();
    says(&error, SourceErrorKind::Conflict, &["AWSCURRENT is at version"]);
    assert_eq!(text(&source).await.0, FIRST);
}

#[tokio::test]
async fn the_first_write_fills_a_secret_that_was_made_without_a_value() {
    let moto = Moto::start();
    moto.create_empty(SECRET);
    let version = source(&moto).store(&secret(FIRST), None).await.unwrap().unwrap();
    assert_eq!(text(&source(&moto)).await, (FIRST.to_owned(), version));
    assert_eq!(moto.labels(SECRET), ["AWSCURRENT"]);
}

#[tokio::test]
async fn a_label_of_ones_own_is_moved_and_the_current_version_stays() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    let blue = source(&moto).staging_label("BLUE");
    let version = blue.store(&secret("osk1.blue"), None).await.unwrap().unwrap();
    blue.store(&secret("osk1.bluer"), Some(&version)).await.unwrap();
    assert_eq!(text(&blue).await.0, "osk1.bluer");
    assert_eq!(text(&source(&moto)).await.0, FIRST);
}

#[tokio::test]
async fn a_write_to_an_arn_that_is_not_there_says_so() {
    let moto = Moto::start();
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/oauth-state-AbCdEf";
    let source = AwsSecret::new(client(&moto.url(), moto.access_key()), arn);
    let error = source.store(&secret(FIRST), None).await.unwrap_err();
    says(&error, SourceErrorKind::Missing, &["create the secret first"]);
}

#[tokio::test]
async fn a_secret_that_is_marked_for_deletion_is_not_written() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    moto.delete(SECRET);
    let error = source(&moto).store(&secret(SECOND), None).await.unwrap_err();
    says(&error, SourceErrorKind::Missing, &["restore-secret"]);
    moto.undelete(SECRET);
    assert_eq!(text(&source(&moto)).await.0, FIRST);
}

#[tokio::test]
async fn a_write_that_is_denied_or_throttled_changes_nothing() {
    let moto = Moto::start();
    let version = moto.publish(SECRET, FIRST);
    moto.deny();
    let error = source(&moto).store(&secret(SECOND), Some(&version)).await.unwrap_err();
    says(&error, SourceErrorKind::Denied, &["(403)"]);
    moto.allow();
    moto.fault(Fault::throttling());
    let error = source(&moto).store(&secret(SECOND), Some(&version)).await.unwrap_err();
    says(&error, SourceErrorKind::Unavailable, &["ThrottlingException"]);
    moto.restore();
    assert_eq!(text(&source(&moto)).await, (FIRST.to_owned(), version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_at_the_same_time_exactly_one_succeeds() {
    let moto = Moto::start();
    let mut version = moto.publish(SECRET, FIRST);
    for round in 0..20 {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (source, version) = (source(&moto), version.clone());
                tokio::spawn(async move {
                    let written = format!("osk1.{round}-{writer}");
                    source.store(&secret(&written), Some(&version)).await.map(|version| (written, version.unwrap()))
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
        assert_eq!(text(&source(&moto)).await, done[0]);
        version = done.remove(0).1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_first_writers_at_the_same_time_exactly_one_succeeds() {
    let moto = Moto::start();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let source = source(&moto);
            tokio::spawn(async move { source.store(&secret(&format!("osk1.{writer}")), None).await })
        })
        .collect();
    let mut done = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(_) => done += 1,
            Err(error) => says(&error, SourceErrorKind::Conflict, &[]),
        }
    }
    assert_eq!(done, 1);
}
