//! Keys that change between a login's start and its callback.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::ring::KeyRingDocument;
use oauth_state::{BoxFuture, Clock, LiveKeyRing, SingleProcessGuard};
use oauth_state_store::{HandleKind, MemoryPayloadStore, Payload, PayloadStore, StoreError};
use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::stores::{Fleet, Kind, Server, Servers, document, server};
use crate::suite::{Basket, basket};

fn offer(fleet: &Fleet, server: &Server<Basket>, document: &KeyRingDocument) -> Result<(), Failure> {
    server.keys.offer(&document.to_secret_text(), fleet.clock.now())?;
    Ok(())
}

/// The document without the key that seals now.
fn without_its_key(document: &KeyRingDocument, now: std::time::SystemTime) -> Result<KeyRingDocument, Failure> {
    let (id, _) = document.ring().roles(now).next().ok_or("no key")?;
    Ok(document.revoke(id, now)?.document)
}

pub async fn revoked(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let [one, other]: [Server<Basket>; 2] = [fleet.server().await?, fleet.server().await?];
    let state = one.state(basket(1)).await?;
    let next = without_its_key(&fleet.document, fleet.clock.now())?;
    for server in [&one, &other] {
        offer(&fleet, server, &next)?;
        server.expect(&state, "key_revoked", "started under a key that was revoked").await?;
    }
    let state = one.state(basket(2)).await?;
    other.expect(&state, "finished", "restarted").await?;
    Ok("`key_revoked` on both servers; a new login under the new key finishes".to_owned())
}

fn key_id(state: &str) -> Result<Vec<u8>, Failure> {
    Ok(URL_SAFE_NO_PAD.decode(state)?[3..7].to_vec())
}

pub async fn rotated(kind: Kind, servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(kind, servers)?;
    let [one, other]: [Server<Basket>; 2] = [fleet.server().await?, fleet.server().await?];
    let next = fleet.document.rotate(fleet.clock.now())?.document;
    offer(&fleet, &one, &next)?;
    // The other server reads the document as late as the rule allows.
    fleet.clock.advance(Duration::from_secs(59));
    let old = [one.state(basket(1)).await?, one.state(basket(2)).await?];
    offer(&fleet, &other, &next)?;
    fleet.clock.advance(Duration::from_secs(120));
    let new = one.state(basket(3)).await?;
    ensure!(key_id(&old[0])? != key_id(&new)?, "the new key does not seal");
    other.expect(&old[0], "finished", "started under the old key").await?;
    other.expect(&new, "finished", "started under the new key").await?;
    fleet.clock.advance(Duration::from_secs(500));
    other.expect(&old[1], "finished", "started under the old key, in its last second or so").await?;
    Ok("started under the old key, finished under the new one; their rows as well".to_owned())
}

/// A payload store in memory that revokes the key during a read.
struct RevokedMeanwhile {
    rows: MemoryPayloadStore,
    keys: LiveKeyRing,
    next: KeyRingDocument,
    now: std::time::SystemTime,
}

impl PayloadStore for RevokedMeanwhile {
    fn kind(&self) -> HandleKind {
        HandleKind::OTHER
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        self.rows.put(row)
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.keys.offer(&self.next.to_secret_text(), self.now).unwrap();
        self.rows.get(id)
    }
}

/// A slow store: from the swap on, no login passes under a revoked key.
pub async fn revoked_while_the_row_is_read(servers: Arc<Servers>) -> Outcome {
    let fleet = Fleet::new(Kind::Memory, servers)?;
    let (document, now) = (document()?, fleet.clock.now());
    let keys = LiveKeyRing::from(document.ring().clone());
    let next = without_its_key(&document, now)?;
    let rows = RevokedMeanwhile { rows: MemoryPayloadStore::with_capacity(10), keys: keys.clone(), next, now };
    let guard = Arc::new(SingleProcessGuard::with_capacity(10));
    let server: Server<Basket> = server(keys, fleet.clock.clone(), guard, Some(Arc::new(rows)))?;
    let state = server.state(basket(1)).await?;
    server.expect(&state, "key_revoked", "revoked after the guard had answered").await?;
    Ok("`key_revoked`, though the guard had let it through".to_owned())
}
