//! The replay guard, which remembers used links: each server's own memory, or a store that the servers share.

use std::sync::Arc;

use oauth_state::{ReplayGuard, SingleProcessGuard};

use crate::Failure;

/// The environment variable that holds the store's address.
pub const VARIABLE: &str = "REPLAY_GUARD";

fn address() -> String {
    std::env::var(VARIABLE).unwrap_or_default()
}

/// The advice for a build without the clients of the stores.
pub const NEEDS_FEATURE: &str =
    "this build has no store that servers share: cargo run --release -p demo --features guards -- --guard URL";

/// Whether the servers share it.
pub fn is_shared() -> bool {
    !address().is_empty()
}

/// The guard that the environment asks for.
pub async fn from_environment() -> Result<Arc<dyn ReplayGuard>, Failure> {
    let address = address();
    if address.is_empty() {
        // One process's memory: the other server does not see which links were used here.
        return Ok(Arc::new(SingleProcessGuard::with_capacity(1_000_000)));
    }
    shared(address).await
}

#[cfg(feature = "guards")]
async fn shared(address: String) -> Result<Arc<dyn ReplayGuard>, Failure> {
    use oauth_state::guard::KnownUsedCache;
    use oauth_state_postgres::PostgresGuard;
    use oauth_state_redis::RedisGuard;
    // In front of either, so that opening a used link again and again costs no round trips.
    if address.starts_with("postgres://") || address.starts_with("postgresql://") {
        let guard = PostgresGuard::builder(address).create_tables().connect().await?;
        return Ok(Arc::new(KnownUsedCache::new(guard, 10_000)));
    }
    let guard = RedisGuard::builder(address).connect().await?;
    Ok(Arc::new(KnownUsedCache::new(guard, 10_000)))
}

#[cfg(not(feature = "guards"))]
async fn shared(_: String) -> Result<Arc<dyn ReplayGuard>, Failure> {
    Err(NEEDS_FEATURE.into())
}
