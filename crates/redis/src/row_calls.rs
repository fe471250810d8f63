//! The commands of a payload store for Redis or Valkey; their keys differ from those of the marks.

use std::time::Duration;

use redis::cmd;

use super::RedisGuard;
use super::any_connection::Connected;
use super::claim::{self, failure};
use super::connection::{Lease, RedisStore};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{Call, Failure};

impl RedisGuard {
    /// Stores a row for this long. A repeated call writes the same value again.
    pub(crate) async fn put_row(&self, id: &[u8; 16], value: &[u8], keep_for: Duration) -> Result<(), GuardError> {
        self.servers.ask(|prefix| key(prefix, id), &Put { id, value, keep_for }, self.budget).await
    }

    /// Reads a row, if it exists.
    pub(crate) async fn get_row(&self, id: &[u8; 16]) -> Result<Option<Vec<u8>>, GuardError> {
        self.servers.ask(|prefix| key(prefix, id), &Get { id }, self.budget).await
    }
}

struct Put<'a> {
    id: &'a [u8; 16],
    value: &'a [u8],
    keep_for: Duration,
}

struct Get<'a> {
    id: &'a [u8; 16],
}

/// The key of a row. Base64url has no colon, so no row has the key of a mark.
fn key(prefix: &str, id: &[u8; 16]) -> String {
    format!("{prefix}row:{}", URL_SAFE_NO_PAD.encode(id))
}

/// The nodes of a cluster fail one by one, as for a claim.
fn failed(of_a_cluster: bool) -> impl Fn(redis::RedisError) -> Failure {
    move |error| if of_a_cluster { failure(error).of_one_node() } else { failure(error) }
}

impl Call<RedisStore> for Put<'_> {
    type Answer = ();

    async fn ask(&self, store: &RedisStore, lease: Lease) -> Result<(), Failure> {
        let Lease { connected: Connected { mut connection, of_a_cluster, .. }, turn: _turn } = lease;
        let milliseconds = u64::try_from(self.keep_for.as_millis()).unwrap_or(u64::MAX);
        let mut set = cmd("SET");
        set.arg(key(&store.settings.prefix, self.id)).arg(self.value).arg("PX").arg(milliseconds);
        set.query_async(&mut connection).await.map_err(failed(of_a_cluster))
    }
}

impl Call<RedisStore> for Get<'_> {
    type Answer = Option<Vec<u8>>;

    async fn ask(&self, store: &RedisStore, lease: Lease) -> Result<Option<Vec<u8>>, Failure> {
        let Lease { connected: Connected { mut connection, of_a_cluster, .. }, turn: _turn } = lease;
        claim::get(&mut connection, &key(&store.settings.prefix, self.id)).await.map_err(failed(of_a_cluster))
    }
}
