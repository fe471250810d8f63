//! Reading from the stub of Google Secret Manager.

use oauth_state::LiveKeyRing;
use oauth_state::ring::source::{Fetched, KeySource, SourceErrorKind, WritableSource};
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming};
use oauth_state_gcp::GcpSecret;
use servers::gcp_stub::{GcpStub, SECRET, TOKEN};

use crate::{client, read, source};

/// A complete rotation: written through one source, used by a process that reads through another.
#[tokio::test]
async fn a_ring_is_loaded_and_swapped_after_a_rotation() {
    let stub = GcpStub::start().await;
    let writer = source(&stub, "current").await;
    let now = std::time::SystemTime::now();
    let first = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    writer.store(&first.to_secret_text(), None).await.unwrap();
    let (keys, mut refresher) = LiveKeyRing::load(source(&stub, "current").await, Refresh::default()).await.unwrap();
    let fingerprint = keys.fingerprint();
    refresher.refresh().await.unwrap();
    assert_eq!(keys.fingerprint(), fingerprint);
    let next = first.rotate(now).unwrap().document;
    writer.store(&next.to_secret_text(), Some("1")).await.unwrap();
    refresher.refresh().await.unwrap();
    assert_ne!(keys.fingerprint(), fingerprint);
}

#[tokio::test]
async fn the_text_and_the_version_are_those_of_the_latest() {
    let stub = GcpStub::start().await;
    stub.publish("one");
    stub.publish("two");
    assert_eq!(read(&source(&stub, "latest").await).await.unwrap(), ("two".to_owned(), "2".to_owned()));
}

#[tokio::test]
async fn a_secret_that_is_made_anew_is_read_although_its_version_has_the_number_that_is_known() {
    let stub = GcpStub::start().await;
    stub.publish("one");
    let source = source(&stub, "latest").await;
    stub.delete();
    stub.publish("two");
    assert!(matches!(source.fetch(Some("1")).await.unwrap(), Fetched::Document { text, .. } if text.expose() == "two"));
    assert_eq!(stub.requests(), 1);
}

#[tokio::test]
async fn an_alias_or_a_number_chooses_the_version() {
    let stub = GcpStub::start().await;
    stub.publish("one");
    stub.publish("two");
    stub.publish("three");
    stub.point("current", 2);
    assert_eq!(read(&source(&stub, "current").await).await.unwrap(), ("two".to_owned(), "2".to_owned()));
    assert_eq!(read(&source(&stub, "1").await).await.unwrap(), ("one".to_owned(), "1".to_owned()));
    let whole_name = format!("{SECRET}/versions/current");
    let source = GcpSecret::new(client(&stub.address(), TOKEN).await, whole_name);
    assert_eq!(read(&source).await.unwrap().0, "two");
}

/// Each state in which nothing can be read.
#[tokio::test]
async fn what_is_not_there_is_missing() {
    type Change = fn(&GcpStub);
    let changes: [(&str, Change, &str); 5] = [
        ("latest", |_| {}, "404 NOT_FOUND"),
        ("current", |stub| _ = stub.publish("one"), "404 NOT_FOUND"),
        ("latest", |stub| stub.disable(stub.publish("one")), "is in DISABLED state"),
        ("latest", |stub| stub.destroy(stub.publish("one")), "is in DESTROYED state"),
        ("latest", GcpStub::delete, "404 NOT_FOUND"),
    ];
    for (version, change, says) in changes {
        let stub = GcpStub::start().await;
        change(&stub);
        let error = read(&source(&stub, version).await).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Missing, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(stub.requests(), 1);
    }
}

#[tokio::test]
async fn a_refusal_names_the_secret_and_the_permission_but_no_token() {
    let stub = GcpStub::start().await;
    stub.publish("key material");
    stub.deny();
    let error = read(&source(&stub, "latest").await).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    let said = format!("{error} {error:?}");
    for part in [SECRET, "403 PERMISSION_DENIED", "grant secretmanager.versions.access"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains(TOKEN) && !said.contains("key material"), "{said}");
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_is_denied() {
    let stub = GcpStub::start().await;
    stub.publish("one");
    let source = GcpSecret::new(client(&stub.address(), "an-expired-token").await, SECRET);
    let error = read(&source).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    assert!(error.to_string().contains("401 UNAUTHENTICATED"), "{error}");
    assert!(!format!("{error} {error:?}").contains("an-expired-token"));
}

/// The refresh task retries; here each request is sent once, and the error comes at once.
#[tokio::test]
async fn a_service_that_cannot_answer_now_is_asked_once() {
    type Trouble = (fn(&GcpStub), &'static str);
    let troubles: [Trouble; 2] =
        [(GcpStub::unavailable, "503 UNAVAILABLE"), (GcpStub::throttle, "429 RESOURCE_EXHAUSTED")];
    for (trouble, says) in troubles {
        let stub = GcpStub::start().await;
        stub.publish("one");
        trouble(&stub);
        let source = source(&stub, "latest").await;
        let error = read(&source).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(stub.requests(), 1);
        stub.restore();
        assert_eq!(read(&source).await.unwrap().0, "one");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable() {
    let mut stub = GcpStub::start().await;
    stub.publish("one");
    let source = source(&stub, "latest").await;
    read(&source).await.unwrap();
    stub.stop().await;
    let error = read(&source).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_payload_that_does_not_fit_its_checksum_is_not_used() {
    let stub = GcpStub::start().await;
    stub.publish("key material");
    stub.damage();
    let error = read(&source(&stub, "latest").await).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("checksum"), "{error}");
    assert!(!format!("{error} {error:?}").contains("key material"));
}

/// The client would put a name with dots or slashes into the address of another resource.
#[tokio::test]
async fn a_name_that_is_none_is_not_sent() {
    let stub = GcpStub::start().await;
    for resource in [
        "",
        "oauth-state",
        "projects/shop/secrets/",
        "projects/shop/secrets/../x",
        "projects/a/b/secrets/c",
        "projects/shop/secrets/s/versions/",
    ] {
        let error = read(&GcpSecret::new(client(&stub.address(), TOKEN).await, resource)).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Misconfigured, "{error}");
    }
    assert_eq!(stub.requests(), 0);
    let regional =
        GcpSecret::new(client(&stub.address(), TOKEN).await, "projects/shop/locations/europe-west3/secrets/s");
    assert_eq!(read(&regional).await.unwrap_err().kind(), SourceErrorKind::Missing);
}
