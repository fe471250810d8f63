//! A connection to one server of Redis or Valkey, or the caller's own: how it is made, checked and used.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use redis::aio::MultiplexedConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::address::unencrypted;
use super::any_connection::{AnyConnection, Connected, Renewing};
use super::claim;
use super::credentials;
use super::server::{self, OnEvictingServer, RedisServer};
use super::slots::{Node, Slots, slot_of};
use oauth_state::guard::{GuardError, GuardErrorKind, Marked};
use oauth_state::observe::{Event, Observer as _, Observers};
use oauth_state_guard_kit::{Call, Claim, CredentialSource, Failure, Store, with_cause};

/// The time limit for a TCP or TLS connection.
const TIME_TO_CONNECT: Duration = Duration::from_secs(1);

/// So many connections in a row may end at INFO before one is tried without it.
const MOST_CLOSED_AT_INFO: u32 = 5;

/// How many calls may be in progress on the guard's own connection. The client's queue has as many places, so no call
/// waits there: the others wait for a turn, and a timeout before the turn does not count as an outage.
const MOST_AT_ONCE: usize = 256;
/// The same for a client queue of the default length, which the guard cannot choose.
const MOST_AT_ONCE_OVER_ANOTHER_QUEUE: usize = 50;

/// The source of connections.
pub(super) enum Connector {
    /// One server, at the current address of its name.
    Single(ConnectionInfo),
    /// One node of a cluster, and the current map of the cluster.
    Node(ConnectionInfo, Node, watch::Receiver<Arc<Slots>>),
    /// The primary that the sentinels name now.
    Sentinel(Box<tokio::sync::Mutex<SentinelClient>>),
    /// The caller's own connection, and whether the caller said that it leads to a cluster.
    Given(AnyConnection, bool),
}

/// The settings of a guard that do not depend on the server.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) prefix: String,
    pub(super) evicting: OnEvictingServer,
    pub(super) credentials: Option<CredentialSource>,
    pub(super) observers: Observers,
    pub(super) is_over_tls: bool,
}

/// A Redis store, as a [`Link`](oauth_state_guard_kit::Link) requires it.
pub(super) struct RedisStore {
    pub(super) connector: Connector,
    pub(super) settings: Settings,
    /// The server's report at the last connect.
    pub(super) server: Mutex<Option<RedisServer>>,
    /// Connections in a row that the server closed at INFO.
    closed_at_info: AtomicU32,
    turns: Arc<Semaphore>,
}

/// A connection for one call. Its turn ends on drop.
pub(super) struct Lease {
    pub(super) connected: Connected,
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

/// A connection to a server that is not checked yet, and the server's answer to INFO.
pub(super) struct Opened {
    pub(super) connection: AnyConnection,
    pub(super) information: Vec<String>,
    /// This machine's time before and after the answer.
    pub(super) asked: (SystemTime, SystemTime),
    /// The server closed the connection instead of answering.
    was_closed: bool,
    renewing: Option<Arc<Renewing>>,
}

impl RedisStore {
    pub(super) fn new(connector: Connector, settings: Settings) -> Self {
        let most_at_once = match connector {
            Connector::Given(..) => MOST_AT_ONCE_OVER_ANOTHER_QUEUE,
            _ => MOST_AT_ONCE,
        };
        let turns = Arc::new(Semaphore::new(most_at_once));
        Self { connector, settings, server: Mutex::default(), closed_at_info: AtomicU32::new(0), turns }
    }

    /// Opens a connection and asks the server about itself.
    pub(super) async fn open(&self) -> Result<Opened, GuardError> {
        let (mut connection, mut renewing) = self.connection().await?;
        let before = SystemTime::now();
        let mut information = server::information(&mut connection).await;
        let after = SystemTime::now();
        // Some proxies close the connection instead of refusing a command: then the trial claim decides, on another one.
        let mut was_closed = matches!(&information, Err(error) if error.is_connection_dropped());
        if was_closed && self.may_know_no_info() {
            (connection, renewing) = self.connection().await?;
            information = Ok(Vec::new());
        } else {
            was_closed = false;
        }
        let information = match information {
            Ok(information) => information,
            // One node of several: the others can still serve.
            Err(_) if self.is_known_cluster() => Vec::new(),
            Err(error) => return Err(server::unusable(error)),
        };
        Ok(Opened { connection, information, asked: (before, after), was_closed, renewing })
    }

    /// Whether a connection that was closed at INFO is worth another: at first, and after some that were. A server that answered
    /// before is more likely down, and must not be given two connections for each attempt.
    fn may_know_no_info(&self) -> bool {
        let closed = self.closed_at_info.fetch_add(1, Ordering::Relaxed);
        let was_connected = self.server.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        !was_connected || closed >= MOST_CLOSED_AT_INFO
    }

    /// Whether the caller's own connection leads to a cluster.
    fn is_known_cluster(&self) -> bool {
        let reported = || {
            let last = self.server.lock().unwrap_or_else(PoisonError::into_inner);
            last.as_ref().is_some_and(|server| server.is_cluster)
        };
        matches!(self.connector, Connector::Given(_, said) if said || reported())
    }

    /// The host to which marks and passwords travel unencrypted, if there is one.
    pub(super) fn unencrypted(&self) -> Option<&str> {
        match &self.connector {
            Connector::Single(server) | Connector::Node(server, ..) => unencrypted(server),
            Connector::Sentinel(_) | Connector::Given(..) => None,
        }
    }

    async fn connection(&self) -> Result<(AnyConnection, Option<Arc<Renewing>>), GuardError> {
        let server = match &self.connector {
            Connector::Single(server) | Connector::Node(server, ..) => server.clone(),
            Connector::Sentinel(client) => {
                let primary = client.lock().await.async_get_client().await.map_err(server::unusable)?;
                primary.get_connection_info().clone()
            }
            Connector::Given(connection, _) => return Ok((connection.clone(), None)),
        };
        let (connection, renewing) = connect(server, self.settings.credentials.as_ref()).await?;
        Ok((AnyConnection::Multiplexed(connection), renewing))
    }

    /// A key for a trial claim: on a node of a cluster, one that the node serves.
    pub(super) fn trial_key(&self) -> Result<Option<String>, GuardError> {
        let serves = |key: &str| match &self.connector {
            Connector::Node(_, node, map) => map.borrow().primary_of(slot_of(key)) == Some(node),
            _ => true,
        };
        // Enough to meet one of a hundred slots, nearly always.
        for _ in 0..2_000 {
            let key = server::trial_key(&self.settings.prefix)?;
            if serves(&key) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    async fn check(&self, opened: &mut Opened) -> Result<RedisServer, GuardError> {
        let Opened { connection, information, asked, was_closed, .. } = opened;
        let report = server::look_at(information, self.settings.evicting, *asked)?;
        if let Some(key) = self.trial_key()? {
            let tried = server::try_to_claim(connection, &key).await;
            tried.map_err(|error| if *was_closed { self.closed_again(error) } else { error })?;
        }
        Ok(report)
    }

    /// The error of a server that closes each connection at its first command. TLS 1.3 tells the client only then that its
    /// certificate is missing or refused, and the alert can be lost.
    fn closed_again(&self, error: GuardError) -> GuardError {
        if self.settings.is_over_tls && error.kind() == GuardErrorKind::Unavailable {
            return GuardError::misconfigured(format!(
                "the server closes the connection at the first command, as one that does not trust the client's certificate does; give another with \
                 client_certificate(certificate, key) ({})",
                with_cause(&error)
            ));
        }
        error
    }

    async fn connect_and_check(&self) -> Result<Connected, GuardError> {
        let mut opened = self.open().await?;
        let checked = self.check(&mut opened).await;
        // It works without INFO: the next connection need not find that out again.
        let closed = if opened.was_closed && checked.is_ok() { MOST_CLOSED_AT_INFO } else { 0 };
        self.closed_at_info.store(closed, Ordering::Relaxed);
        let mut report = checked?;
        report.is_cluster |= matches!(self.connector, Connector::Given(_, true));
        let of_a_cluster = report.is_cluster && matches!(self.connector, Connector::Given(..));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        Ok(Connected { connection: opened.connection, of_a_cluster, renewing: opened.renewing })
    }
}

/// Opens a connection with the current credentials, which a task then renews while they are limited in time.
pub(super) async fn connect(
    server: ConnectionInfo,
    credentials: Option<&CredentialSource>,
) -> Result<(MultiplexedConnection, Option<Arc<Renewing>>), GuardError> {
    // The claim has its own time budget, so the client's is off.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIME_TO_CONNECT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(MOST_AT_ONCE);
    // Some proxies close the connection at `CLIENT SETINFO`.
    let mut settings = server.redis_settings().clone().set_skip_set_lib_name();
    let given = match credentials {
        Some(source) => Some(source.ask().await?),
        None => None,
    };
    if let Some(given) = &given {
        settings = settings.set_password(given.password());
        if !given.user().is_empty() {
            settings = settings.set_username(given.user());
        }
    }
    let client = Client::open(server.set_redis_settings(settings)).map_err(GuardError::misconfigured)?;
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(server::unusable)?;
    let renew_after = given.and_then(|given| given.refresh_after());
    let renewing = renew_after.zip(credentials).map(|(after, source)| {
        let renewing = credentials::renew(source.clone(), connection.clone(), after);
        Arc::new(Renewing(tokio::spawn(renewing).abort_handle()))
    });
    Ok((connection, renewing))
}

impl Store for RedisStore {
    type Connection = Connected;
    type Lease = Lease;
    const NAME: &'static str = "redis";

    async fn connect(&self) -> Result<Connected, GuardError> {
        match (self.connect_and_check().await, &self.connector) {
            // Which of the nodes it is.
            (Err(error), Connector::Node(_, (host, port), _)) => {
                let cause = std::error::Error::source(&error).map_or_else(|| with_cause(&error), ToString::to_string);
                Err(GuardError::because(error.kind(), format!("node {host}:{port}: {cause}")))
            }
            (answer, _) => answer,
        }
    }

    fn is_up(&self, up: bool) {
        // One node of a cluster that is down is no outage of all; the answers of claims tell that.
        if up || !matches!(self.connector, Connector::Node(..)) {
            self.settings.observers.event(&Event::GuardConnected { up });
        }
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
        let may_send_again = matches!(store.connector, Connector::Given(..));
        claim::claim(connected, &store.settings.prefix, self.0).await.map_err(|failure| {
            // The cluster's client avoids a dead node by itself, and the other nodes still serve.
            let failure = if of_a_cluster { failure.of_one_node() } else { failure };
            if may_send_again { failure.after_silent_tries() } else { failure }
        })
    }
}
