//! Reading from moto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, SECOND, SECRET, source, text};
use oauth_state::LiveKeyRing;
use oauth_state::ring::source::{Fetched, KeySource};
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming, Update};
use servers::moto::Moto;
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn what_was_published_is_fetched_with_its_version() {
    let moto = Moto::start();
    let published = moto.publish(SECRET, FIRST);
    assert_eq!(text(&source(&moto)).await, (FIRST.to_owned(), published));
}

/// The command line compares it with its own clock before it schedules a key.
#[tokio::test]
async fn the_clock_of_the_service_is_passed_on() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    let Fetched::Document { server_time, .. } = source(&moto).fetch(None).await.unwrap() else { panic!("no document") };
    let difference = SystemTime::now().duration_since(server_time.unwrap()).unwrap_or_default();
    assert!(difference < Duration::from_secs(30), "{difference:?}");
}

#[tokio::test]
async fn a_version_that_is_known_is_unchanged_until_another_is_published() {
    let moto = Moto::start();
    let first = moto.publish(SECRET, FIRST);
    let source = source(&moto);
    assert!(matches!(source.fetch(Some(&first)).await.unwrap(), Fetched::Unchanged));
    let second = moto.publish(SECRET, SECOND);
    assert!(matches!(source.fetch(Some(&first)).await.unwrap(), Fetched::Document { .. }));
    assert!(matches!(source.fetch(Some(&second)).await.unwrap(), Fetched::Unchanged));
}

#[tokio::test]
async fn a_staging_label_chooses_the_version() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    moto.publish(SECRET, SECOND);
    moto.publish_as(SECRET, "osk1.third", &["AWSPENDING"]);
    let source = source(&moto);
    for (label, expected) in [("AWSCURRENT", SECOND), ("AWSPREVIOUS", FIRST), ("AWSPENDING", "osk1.third")] {
        assert_eq!(text(&source.clone().staging_label(label)).await.0, expected);
    }
}

#[tokio::test]
async fn a_secret_that_is_restored_is_read_again() {
    let moto = Moto::start();
    moto.publish(SECRET, FIRST);
    moto.delete(SECRET);
    assert!(source(&moto).fetch(None).await.is_err());
    moto.undelete(SECRET);
    assert_eq!(text(&source(&moto)).await.0, FIRST);
}

#[tokio::test]
async fn a_rotation_reaches_a_running_process_and_an_outage_does_not() {
    let moto = Moto::start();
    let document = KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap();
    moto.publish(SECRET, document.to_secret_text().expose());
    let (keys, mut refresher) =
        LiveKeyRing::load(source(&moto), Refresh::every(Duration::from_secs(60))).await.unwrap();
    assert_eq!(keys.ring().serial(), 1);
    assert_eq!(refresher.refresh().await.unwrap(), Update::Unchanged);

    moto.fault(servers::moto::Fault::HangUp);
    assert!(refresher.refresh().await.is_err());
    assert_eq!((keys.ring().serial(), keys.status().failed), (1, 1), "the last good ring stays");

    moto.restore();
    let next = KeyRingDocument::first(RingTiming::default(), SystemTime::now()).unwrap();
    moto.publish(SECRET, next.to_secret_text().expose());
    // Another ring with the same serial, which a running process refuses: the refusal shows that it was read.
    assert!(refresher.refresh().await.is_err());
    assert_eq!(keys.status().refused, 1);
}
