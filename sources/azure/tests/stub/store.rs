//! Writing to the stub of Azure Key Vault.

use oauth_state::ring::source::{SourceErrorKind, WritableSource};
use servers::azure_stub::{AzureStub, Step};

use crate::{read, source, text};

#[tokio::test]
async fn a_rotation_replaces_what_was_read() {
    let stub = AzureStub::start().await;
    let source = source(&stub);
    let one = source.store(&text("one"), None).await.unwrap();
    let two = source.store(&text("two"), one.as_deref()).await.unwrap();
    assert_ne!(one, two);
    assert_eq!(read(&source).await.unwrap(), ("two".to_owned(), two.unwrap()));
}

/// The list of versions comes in pages.
#[tokio::test]
async fn many_versions_are_all_seen() {
    let stub = AzureStub::start().await;
    let source = source(&stub);
    let mut standing = None;
    for number in 0..10 {
        standing = source.store(&text(&number.to_string()), standing.as_deref()).await.unwrap();
    }
    assert_eq!(read(&source).await.unwrap().0, "9");
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_nothing_changes() {
    let stub = AzureStub::start().await;
    let source = source(&stub);
    let one = source.store(&text("one"), None).await.unwrap();
    source.store(&text("two"), one.as_deref()).await.unwrap();
    for stale in [one.as_deref(), None] {
        let error = source.store(&text("key material"), stale).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
        assert!(!format!("{error} {error:?}").contains("key material"));
    }
    assert_eq!(stub.texts(), ["one", "two"]);
}

#[tokio::test]
async fn a_first_write_may_follow_a_version_that_is_disabled() {
    let stub = AzureStub::start().await;
    let source = source(&stub);
    source.store(&text("one"), None).await.unwrap();
    stub.disable();
    assert_eq!(read(&source).await.unwrap_err().kind(), SourceErrorKind::Missing);
    source.store(&text("two"), None).await.unwrap();
    assert_eq!(read(&source).await.unwrap().0, "two");
}

#[tokio::test]
async fn a_deleted_secret_is_not_written_until_it_is_recovered_or_purged() {
    let stub = AzureStub::start().await;
    let source = source(&stub);
    source.store(&text("one"), None).await.unwrap();
    stub.delete();
    let error = source.store(&text("two"), None).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Missing, "{error}");
    assert!(error.to_string().contains("purge"), "{error}");
}

/// Many rounds, because two tasks meet at different requests. There is no conditional write: at most one may be told
/// that it succeeded, possibly neither.
#[tokio::test]
async fn of_two_writers_at_once_never_do_both_succeed() {
    let stub = AzureStub::start().await;
    let (here, there) = (source(&stub), source(&stub));
    let mut standing = here.store(&text("start"), None).await.unwrap();
    for round in 0..20 {
        let (ours, theirs) = (text(&format!("ours {round}")), text(&format!("theirs {round}")));
        let (first, second) =
            tokio::join!(here.store(&ours, standing.as_deref()), there.store(&theirs, standing.as_deref()));
        assert!(first.is_err() || second.is_err(), "{round}: {first:?} {second:?}");
        for error in [first, second].into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
        }
        standing = Some(read(&here).await.unwrap().1);
    }
}

/// The documented window of this source: a writer that meets another is told, whichever was first.
#[tokio::test]
async fn a_writer_who_met_another_is_told_although_both_are_written() {
    for (step, current) in [(Step::BeforeSet, "ours"), (Step::AfterSet, "theirs")] {
        let stub = AzureStub::start().await;
        let source = source(&stub);
        let one = source.store(&text("one"), None).await.unwrap();
        stub.get_between(step, "theirs");
        let error = source.store(&text("ours"), one.as_deref()).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("both are stored"), "{error}");
        assert_eq!(stub.texts().len(), 3);
        assert_eq!(read(&source).await.unwrap().0, current);
    }
}

#[tokio::test]
async fn a_version_chosen_by_its_id_is_not_written_to() {
    let stub = AzureStub::start().await;
    let one = stub.publish("one");
    let error = source(&stub).version(&one).store(&text("two"), Some(&one)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    assert_eq!(stub.requests(), 0);
}

#[tokio::test]
async fn a_writer_without_permission_is_told_what_it_lacks() {
    let stub = AzureStub::start().await;
    stub.deny();
    let error = source(&stub).store(&text("one"), None).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    assert!(error.to_string().contains("Key Vault Secrets Officer"), "{error}");
}
