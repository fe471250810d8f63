//! Reading from the stub of Azure Key Vault.

use oauth_state::LiveKeyRing;
use oauth_state::ring::source::{Fetched, KeySource, SourceErrorKind, WritableSource};
use oauth_state::ring::{KeyRingDocument, Refresh, RingTiming};
use oauth_state_azure::AzureSecret;
use servers::azure_stub::{AzureStub, SECRET, TOKEN, VAULT};

use crate::{client, read, source};

type Trouble = (fn(&AzureStub), &'static str);

/// A complete rotation: written through one source, used by a process that reads through another.
#[tokio::test]
async fn a_ring_is_loaded_and_swapped_after_a_rotation() {
    let stub = AzureStub::start().await;
    let writer = source(&stub);
    let now = std::time::SystemTime::now();
    let first = KeyRingDocument::first(RingTiming::default(), now).unwrap();
    let written = writer.store(&first.to_secret_text(), None).await.unwrap();
    let (keys, mut refresher) = LiveKeyRing::load(source(&stub), Refresh::default()).await.unwrap();
    let fingerprint = keys.fingerprint();
    refresher.refresh().await.unwrap();
    assert_eq!(keys.fingerprint(), fingerprint);
    let next = first.rotate(now).unwrap().document;
    writer.store(&next.to_secret_text(), written.as_deref()).await.unwrap();
    refresher.refresh().await.unwrap();
    assert_ne!(keys.fingerprint(), fingerprint);
}

#[tokio::test]
async fn the_text_and_the_version_are_those_of_the_current_version() {
    let stub = AzureStub::start().await;
    stub.publish("one");
    let two = stub.publish("two");
    assert_eq!(read(&source(&stub)).await.unwrap(), ("two".to_owned(), two));
}

/// The command line compares it with its own clock before it schedules a key.
#[tokio::test]
async fn the_clock_of_the_vault_is_passed_on() {
    let stub = AzureStub::start().await;
    stub.publish("one");
    let Fetched::Document { server_time, .. } = source(&stub).fetch(None).await.unwrap() else { panic!("no document") };
    let difference = std::time::SystemTime::now().duration_since(server_time.unwrap()).unwrap_or_default();
    assert!(difference < std::time::Duration::from_secs(30), "{difference:?}");
}

#[tokio::test]
async fn a_known_version_is_unchanged_until_there_is_another() {
    let stub = AzureStub::start().await;
    let one = stub.publish("one");
    let source = source(&stub);
    assert!(matches!(source.fetch(Some(&one)).await.unwrap(), Fetched::Unchanged));
    stub.publish("two");
    assert!(matches!(source.fetch(Some(&one)).await.unwrap(), Fetched::Document { .. }));
    assert_eq!(stub.requests(), 3); // one each, and the challenge that the first one met
}

#[tokio::test]
async fn a_version_is_chosen_by_its_id() {
    let stub = AzureStub::start().await;
    let one = stub.publish("one");
    stub.publish("two");
    assert_eq!(read(&source(&stub).version(&one)).await.unwrap(), ("one".to_owned(), one));
}

/// Each state in which nothing can be read.
#[tokio::test]
async fn what_is_not_there_is_missing() {
    let changes: [Trouble; 3] = [
        (|_| {}, "404 SecretNotFound"),
        (AzureStub::delete, "404 SecretNotFound"),
        (AzureStub::disable, "403 SecretDisabled"),
    ];
    for (number, (change, says)) in changes.into_iter().enumerate() {
        let stub = AzureStub::start().await;
        if number > 0 {
            stub.publish("one");
        }
        change(&stub);
        let error = read(&source(&stub)).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Missing, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let stub = AzureStub::start().await;
    stub.publish("one");
    let error = read(&source(&stub).version("0123456789abcdef")).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Missing, "{error}");
}

#[tokio::test]
async fn a_refusal_names_the_vault_and_the_permission_but_no_token() {
    let stub = AzureStub::start().await;
    stub.publish("key material");
    stub.deny();
    let error = read(&source(&stub)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    let said = format!("{error} {error:?}");
    for part in [SECRET, VAULT, "403 ForbiddenByRbac", "Key Vault Secrets User"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains(TOKEN) && !said.contains("key material") && !said.contains('\r'), "{said}");
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_is_denied() {
    let stub = AzureStub::start().await;
    stub.publish("one");
    let error = read(&AzureSecret::new(client(VAULT, &stub, Some("an-expired-token")), SECRET)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    assert!(error.to_string().contains("401 Unauthorized"), "{error}");
    assert!(!format!("{error} {error:?}").contains("an-expired-token"));
}

#[tokio::test]
async fn a_credential_that_gives_no_token_is_denied() {
    let stub = AzureStub::start().await;
    let error = read(&AzureSecret::new(client(VAULT, &stub, None), SECRET)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    assert!(error.to_string().contains("no token: please run az login"), "{error}");
}

/// A server that poses as a vault must not get a token for another one.
#[tokio::test]
async fn a_challenge_for_another_vault_is_not_followed() {
    let stub = AzureStub::start().await;
    let error = read(&AzureSecret::new(client("https://evil.example", &stub, Some(TOKEN)), SECRET)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured);
    assert_eq!(stub.requests(), 1);
}

#[tokio::test]
async fn an_address_without_tls_is_refused() {
    let stub = AzureStub::start().await;
    let error = read(&AzureSecret::new(client(&stub.address(), &stub, Some(TOKEN)), SECRET)).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Misconfigured, "{error}");
    assert_eq!(stub.requests(), 0);
}

/// The refresh task retries; here each request is sent once, and the error comes at once.
#[tokio::test]
async fn a_vault_that_cannot_answer_now_is_asked_once() {
    let troubles: [Trouble; 2] =
        [(AzureStub::unavailable, "503 ServiceUnavailable"), (AzureStub::throttle, "429 Throttled")];
    for (trouble, says) in troubles {
        let stub = AzureStub::start().await;
        stub.publish("one");
        let source = source(&stub);
        read(&source).await.unwrap();
        let before = stub.requests();
        trouble(&stub);
        let error = read(&source).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Unavailable);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(stub.requests(), before + 1);
        stub.restore();
        assert_eq!(read(&source).await.unwrap().0, "one");
    }
}

#[tokio::test]
async fn a_vault_that_is_gone_is_unavailable() {
    let mut stub = AzureStub::start().await;
    stub.publish("one");
    let source = source(&stub);
    read(&source).await.unwrap();
    stub.stop().await;
    let error = read(&source).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

/// The client puts names into the address unescaped.
#[tokio::test]
async fn a_name_that_is_none_is_not_sent() {
    let stub = AzureStub::start().await;
    for name in ["", "oauth_state", "../keys/k", "a?b", "a/b"] {
        let error = read(&AzureSecret::new(client(VAULT, &stub, Some(TOKEN)), name)).await.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Misconfigured, "{error}");
    }
    assert_eq!(stub.requests(), 0);
}
