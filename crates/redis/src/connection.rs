//! Connections to Redis and Valkey of every kind, and how each is made.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::any_connection::{AnyConnection, Connected};
use super::server::{OnEvictingServer, RedisServer};
use super::{claim, server};
use oauth_state::guard::{GuardError, Marked};
use oauth_state_guard_kit::{Call, Claim, Failure, Store};

/// The time limit for a TCP or TLS connection.
const TIME_TO_CONNECT: Duration = Duration::from_secs(1);

/// How many calls may be in progress on the guard's own connection. The client's queue has as many places, so no call
/// waits there: the others wait for a turn, and a timeout before the turn does not count as an outage.
const MOST_AT_ONCE: usize = 256;
/// The same for a client queue of the default length, which the guard cannot choose.
const MOST_AT_ONCE_OVER_ANOTHER_QUEUE: usize = 50;

/// The source of connections.
pub(super) enum Connector {
    /// One server, at the current address of its name.
    Single(Box<Client>),
    /// The primary that the sentinels name now.
    Sentinel(Box<tokio::sync::Mutex<SentinelClient>>),
    /// The primaries of a cluster.
    Cluster(Box<ClusterClient>),
    /// The caller's own connection.
    Given(AnyConnection),
}

/// A Redis store, as a [`Link`](oauth_state_guard_kit::Link) requires it.
pub(super) struct RedisStore {
    pub(super) connector: Connector,
    pub(super) prefix: String,
    pub(super) evicting: OnEvictingServer,
    /// The server's report at the last connect.
    pub(super) server: Mutex<Option<RedisServer>>,
    turns: Arc<Semaphore>,
}

/// A connection for one call. Its turn ends on drop.
pub(super) struct Lease {
    pub(super) connected: Connected,
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

impl RedisStore {
    pub(super) fn new(connector: Connector, prefix: String, evicting: OnEvictingServer) -> Self {
        let most_at_once = match connector {
            Connector::Single(_) | Connector::Sentinel(_) => MOST_AT_ONCE,
            Connector::Cluster(_) | Connector::Given(_) => MOST_AT_ONCE_OVER_ANOTHER_QUEUE,
        };
        let turns = Arc::new(Semaphore::new(most_at_once));
        Self { connector, prefix, evicting, server: Mutex::default(), turns }
    }

    /// A connection to a server that is not checked yet.
    pub(super) async fn open(&self) -> Result<AnyConnection, GuardError> {
        // The claim has its own time budget, so the client's is off.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIME_TO_CONNECT))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(MOST_AT_ONCE);
        Ok(match &self.connector {
            Connector::Single(client) => {
                let made = client.get_multiplexed_async_connection_with_config(&config).await;
                AnyConnection::Multiplexed(made.map_err(cannot_connect)?)
            }
            Connector::Sentinel(client) => {
                let made = client.lock().await.get_async_connection_with_config(&config).await;
                AnyConnection::Multiplexed(made.map_err(cannot_connect)?)
            }
            Connector::Cluster(client) => {
                AnyConnection::new(client.get_async_connection().await.map_err(cannot_connect)?)
            }
            Connector::Given(connection) => connection.clone(),
        })
    }
}

impl Store for RedisStore {
    type Connection = Connected;
    type Lease = Lease;
    const NAME: &'static str = "redis";

    async fn connect(&self) -> Result<Connected, GuardError> {
        let mut connection = self.open().await?;
        let server = server::look_at(&mut connection, &self.prefix, self.evicting).await?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(Connected { connection, of_a_cluster: matches!(self.connector, Connector::Cluster(_)) })
    }

    async fn lease(&self, connected: Connected) -> Lease {
        // Commands of many callers share the connection, each with a reply of its own. The semaphore is never closed.
        Lease { connected, turn: Arc::clone(&self.turns).acquire_owned().await.ok() }
    }
}

impl Call<RedisStore> for Claim<'_> {
    type Answer = Marked;

    async fn ask(&self, store: &RedisStore, lease: Lease) -> Result<Marked, Failure> {
        let Lease { connected, turn: _turn } = lease;
        let of_a_cluster = connected.of_a_cluster;
        let may_send_again = of_a_cluster || matches!(store.connector, Connector::Given(_));
        claim::claim(connected, &store.prefix, self.0).await.map_err(|failure| {
            // The cluster's client avoids a dead node by itself, and the other nodes still serve.
            let failure = if of_a_cluster { failure.of_one_node() } else { failure };
            if may_send_again { failure.after_silent_tries() } else { failure }
        })
    }
}

/// A cluster's client with few retries of its own, because it resends without asking and a claim has a budget.
pub(super) fn cluster(builder: ClusterClientBuilder) -> redis::RedisResult<ClusterClient> {
    builder
        .connection_timeout(TIME_TO_CONNECT)
        .response_timeout(TIME_TO_CONNECT)
        .overall_response_timeout(None)
        .retries(3)
        .build()
}

/// The server refused, or did not answer.
fn cannot_connect(error: redis::RedisError) -> GuardError {
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed
        | redis::ErrorKind::InvalidClientConfig
        // A database that does not exist or that the user may not select.
        | redis::ErrorKind::Server(redis::ServerErrorKind::ResponseError | redis::ServerErrorKind::NoPerm) => {
            GuardError::misconfigured(error)
        }
        _ if error.is_timeout() => GuardError::unavailable(
            "the server did not answer while connecting; is TLS enabled on only one side?",
        ),
        // Nothing was asked yet, so no outcome is unknown.
        _ => oauth_state_guard_kit::before_any_claim(claim::failure(error).into_error()),
    }
}
