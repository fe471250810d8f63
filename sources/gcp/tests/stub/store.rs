//! Writing to the stub of Google Secret Manager.

use oauth_state::ring::source::{SourceErrorKind, WritableSource};
use servers::gcp_stub::{GcpStub, Step};

use crate::{read, source, text};

#[tokio::test]
async fn a_rotation_replaces_what_was_read() {
    for version in ["latest", "current"] {
        let stub = GcpStub::start().await;
        let source = source(&stub, version).await;
        assert_eq!(source.store(&text("one"), None).await.unwrap().as_deref(), Some("1"));
        assert_eq!(source.store(&text("two"), Some("1")).await.unwrap().as_deref(), Some("2"));
        assert_eq!(read(&source).await.unwrap(), ("two".to_owned(), "2".to_owned()));
    }
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_nothing_changes() {
    for version in ["latest", "current"] {
        let stub = GcpStub::start().await;
        let source = source(&stub, version).await;
        source.store(&text("one"), None).await.unwrap();
        source.store(&text("two"), Some("1")).await.unwrap();
        for (stale, said) in [(Some("1"), "version 2 is current, not version 1"), (None, "version 2 already exists")] {
            let error = source.store(&text("key material"), stale).await.unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
            assert!(error.to_string().contains(said), "{error}");
            assert!(!format!("{error} {error:?}").contains("key material"));
        }
        assert_eq!(stub.enabled(), 2);
        assert_eq!(read(&source).await.unwrap().0, "two");
    }
}

#[tokio::test]
async fn a_first_write_may_follow_a_version_that_was_destroyed() {
    for version in ["latest", "current"] {
        let stub = GcpStub::start().await;
        let source = source(&stub, version).await;
        source.store(&text("one"), None).await.unwrap();
        stub.destroy(1);
        assert_eq!(read(&source).await.unwrap_err().kind(), SourceErrorKind::Missing);
        assert_eq!(source.store(&text("two"), None).await.unwrap().as_deref(), Some("2"));
        assert_eq!(read(&source).await.unwrap().0, "two");
    }
}

/// Many rounds, because two tasks meet at different requests.
#[tokio::test]
async fn of_two_writers_at_once_one_succeeds() {
    for version in ["latest", "current"] {
        let stub = GcpStub::start().await;
        let (here, there) = (source(&stub, version).await, source(&stub, version).await);
        let mut standing = here.store(&text("start"), None).await.unwrap();
        for round in 0..20 {
            let (ours, theirs) = (text(&format!("ours {round}")), text(&format!("theirs {round}")));
            let (first, second) =
                tokio::join!(here.store(&ours, standing.as_deref()), there.store(&theirs, standing.as_deref()));
            let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
            assert_eq!(lost.unwrap_err().kind(), SourceErrorKind::Conflict);
            let won = won.unwrap();
            standing = match version {
                // All readers get the winner's version.
                "current" => {
                    assert_eq!(Some(read(&here).await.unwrap().1), won);
                    won
                }
                _ => Some(read(&here).await.unwrap().1),
            };
        }
    }
}

/// The service compares the etag, which makes the alias safe: here the other writer comes after every check of ours.
#[tokio::test]
async fn a_writer_who_is_overtaken_before_the_alias_moves_loses_and_leaves_nothing() {
    for step in [Step::AddVersion, Step::Patch] {
        let stub = GcpStub::start().await;
        let source = source(&stub, "current").await;
        source.store(&text("one"), None).await.unwrap();
        stub.get_ahead(step, "theirs", Some("current"));
        let error = source.store(&text("ours"), Some("1")).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
        assert_eq!(read(&source).await.unwrap().0, "theirs");
        assert_eq!(stub.enabled(), 2, "ours is destroyed");
    }
}

/// The documented behavior of `latest`.
#[tokio::test]
async fn over_latest_an_overtaken_writer_gets_a_conflict_although_its_document_is_current() {
    let stub = GcpStub::start().await;
    let source = source(&stub, "latest").await;
    source.store(&text("one"), None).await.unwrap();
    stub.get_ahead(Step::AddVersion, "theirs", None);
    let error = source.store(&text("ours"), Some("1")).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
    assert_eq!(read(&source).await.unwrap().0, "ours");
    assert_eq!(stub.enabled(), 3);
}

/// Google's documentation says that adding a version leaves the secret's etag alone; this code does not depend on it.
#[tokio::test]
async fn an_etag_that_moves_with_each_version_does_not_refuse_every_write() {
    let stub = GcpStub::start().await;
    stub.etag_moves_with_versions();
    let source = source(&stub, "current").await;
    source.store(&text("one"), None).await.unwrap();
    source.store(&text("two"), Some("1")).await.unwrap();
    assert_eq!(read(&source).await.unwrap().0, "two");
}

#[tokio::test]
async fn other_aliases_stay_where_they_point() {
    let stub = GcpStub::start().await;
    stub.point("staging", stub.publish("for staging"));
    source(&stub, "current").await.store(&text("one"), None).await.unwrap();
    assert_eq!(stub.pointed("staging"), Some(1));
    assert_eq!(stub.pointed("current"), Some(2));
}

#[tokio::test]
async fn a_version_chosen_by_its_number_is_not_written_to() {
    let stub = GcpStub::start().await;
    stub.publish("one");
    let error = source(&stub, "1").await.store(&text("two"), Some("1")).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    assert_eq!(stub.requests(), 0);
}

#[tokio::test]
async fn a_writer_without_permission_or_without_a_secret_is_told_what_it_lacks() {
    let stub = GcpStub::start().await;
    stub.deny();
    let error = source(&stub, "current").await.store(&text("one"), None).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    assert!(error.to_string().contains("secretmanager.secrets.get"), "{error}");
    stub.restore();
    stub.delete();
    let error = source(&stub, "latest").await.store(&text("one"), None).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Missing);
    assert!(error.to_string().contains("create the secret first"), "{error}");
}

/// After a write without a response, the writer must look at the secret before repeating the write.
#[tokio::test]
async fn a_write_that_gets_no_answer_is_not_called_undone() {
    let stub = GcpStub::start().await;
    let source = source(&stub, "current").await;
    source.store(&text("one"), None).await.unwrap();
    stub.fail_at(Step::Patch);
    let error = source.store(&text("two"), Some("1")).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("the outcome is unknown"), "{error}");
    assert_eq!(stub.enabled(), 2, "the alias may point there, so the version stays");
    stub.restore();
    assert_eq!(read(&source).await.unwrap().0, "one");
}
