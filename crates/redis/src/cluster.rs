//! A cluster: one connection to each primary, so that a dead one delays no claim that belongs to another.
//!
//! A client for whole clusters holds all calls back while it refreshes its map, and connects to the dead node meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, RedisError, Value, cmd};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::{self, Connector, Lease, RedisStore, Settings};
use super::slots::{Node, Slots, redirected, slot_of};
use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::{CONNECT_TIME, Call, Failure, Link, Refusals, ask, with_cause};

/// The pause before the map is read again, so that a dead node does not cause a storm of questions.
const PAUSE: Duration = Duration::from_millis(200);
/// How long one node may take to answer with its map.
const TIME_FOR_A_MAP: Duration = Duration::from_millis(500);
/// A claim follows no more redirections than this.
const MOST_REDIRECTIONS: u32 = 4;

#[derive(Clone)]
pub(super) struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    /// The nodes of the address.
    seeds: Vec<ConnectionInfo>,
    /// One of them, for the user, the password and the certificates.
    like: ConnectionInfo,
    /// Empty until it was read for the first time.
    map: watch::Sender<Arc<Slots>>,
    /// Why it could not be read the last time.
    unreadable: Mutex<Option<(GuardErrorKind, String)>>,
    links: Mutex<BTreeMap<Node, Link<RedisStore>>>,
    is_reading: AtomicBool,
    refusals: Refusals,
}

/// A call to one node of a cluster.
struct Routed<'c, C> {
    call: &'c C,
    node: &'c Node,
    /// The node is taking over the slot.
    asking: bool,
}

enum Answer<A> {
    Here(A),
    /// Another node serves the slot (`MOVED`), or is taking it over and has this key (`ASK`).
    Elsewhere {
        node: Node,
        asking: bool,
    },
}

impl<C: Call<RedisStore>> Call<RedisStore> for Routed<'_, C> {
    type Answer = Answer<C::Answer>;

    async fn ask(&self, store: &RedisStore, mut lease: Lease) -> Result<Self::Answer, Failure> {
        if self.asking {
            lease.connected.connection = lease.connected.connection.asking();
        }
        match self.call.ask(store, lease).await {
            Ok(answer) => Ok(Answer::Here(answer)),
            Err(failure) => elsewhere(failure.error(), self.node).ok_or(failure),
        }
    }
}

/// The redirection in an error. The node that sends one wrote nothing.
fn elsewhere<A>(error: &GuardError, by: &Node) -> Option<Answer<A>> {
    let error = std::error::Error::source(error)?.downcast_ref::<RedisError>()?;
    let (address, _) = error.redirect_node()?;
    let asking = matches!(error.kind(), redis::ErrorKind::Server(redis::ServerErrorKind::Ask));
    Some(Answer::Elsewhere { node: redirected(address, by)?, asking })
}

/// Reads a node's map over its link.
struct ReadMap<'n>(&'n Node);

impl Call<RedisStore> for ReadMap<'_> {
    type Answer = Slots;

    async fn ask(&self, _: &RedisStore, mut lease: Lease) -> Result<Slots, Failure> {
        let reply = cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut lease.connected.connection).await;
        Slots::read(reply.map_err(super::claim::failure)?, self.0).map_err(Failure::refused)
    }
}

impl Cluster {
    pub(super) fn new(seeds: Vec<ConnectionInfo>, settings: Settings) -> Result<Self, GuardError> {
        let Some(like) = seeds.first().cloned() else {
            return Err(GuardError::misconfigured("the address names no node of the cluster"));
        };
        let shared = Shared {
            settings,
            seeds,
            like,
            map: watch::Sender::new(Arc::default()),
            unreadable: Mutex::default(),
            links: Mutex::default(),
            is_reading: AtomicBool::new(false),
            refusals: Refusals::new("redis", "cannot read the map of the cluster"),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the map, and connects to every primary. One that cannot be reached is left to the background, unless none can.
    pub(super) async fn connect(&self) -> Result<(), GuardError> {
        let map = timeout(CONNECT_TIME, self.shared.read_map()).await;
        self.shared.publish(map.map_err(|_| GuardError::unavailable("no node sent the cluster's map in time"))??);
        let mut opening = JoinSet::new();
        for node in self.nodes() {
            let store = self.shared.store(&node);
            opening.spawn(async move { (node, Link::open(store).await) });
        }
        let mut unreachable = Vec::new();
        let all = opening.len();
        while let Some(opened) = opening.join_next().await {
            match opened.map_err(GuardError::unavailable)? {
                (node, Ok(link)) => drop(self.shared.links().insert(node, link)),
                (_, Err(error)) if error.kind() == GuardErrorKind::Misconfigured => return Err(error),
                (_, Err(error)) => unreachable.push(error),
            }
        }
        for error in &unreachable {
            let cause = with_cause(error);
            tracing::warn!(cause, "cannot connect to a primary of the cluster; callbacks of its slots are refused");
        }
        match unreachable.pop() {
            Some(error) if unreachable.len().saturating_add(1) == all => Err(error),
            _ => Ok(()),
        }
    }

    /// The primaries of the current map.
    pub(super) fn nodes(&self) -> Vec<Node> {
        self.shared.map.borrow().primaries().into_iter().cloned().collect()
    }

    /// The links to the primaries.
    pub(super) fn links(&self) -> Vec<Link<RedisStore>> {
        self.shared.links().values().cloned().collect()
    }

    /// Stores that are not connected, one for each primary of a map that is read now.
    pub(super) async fn stores(&self) -> Result<Vec<RedisStore>, GuardError> {
        self.shared.publish(self.shared.read_map().await?);
        Ok(self.nodes().iter().map(|node| self.shared.store(node)).collect())
    }

    pub(super) fn prefix(&self) -> &str {
        &self.shared.settings.prefix
    }

    /// Makes a call at the node that serves this key.
    pub(super) async fn ask<C: Call<RedisStore>>(
        &self,
        key: &str,
        call: &C,
        budget: Duration,
    ) -> Result<C::Answer, GuardError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(GuardError::misconfigured("this guard must be called on a tokio runtime"));
        }
        let start = Instant::now();
        let end = start.checked_add(budget).unwrap_or(start);
        let mut node = self.primary_of(slot_of(key), end).await?;
        let (mut asking, mut was_redirected) = (false, false);
        for _ in 0..=MOST_REDIRECTIONS {
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let link = self.shared.link(&node);
            match ask(&link, &Routed { call, node: &node, asking }, left).await {
                Ok(Answer::Here(answer)) => return Ok(answer),
                Ok(Answer::Elsewhere { node: to, asking: with_asking }) => {
                    if !with_asking {
                        Shared::read_map_soon(&self.shared);
                    }
                    (node, asking, was_redirected) = (to, with_asking, true);
                }
                Err(error) => {
                    // A replica may have taken over.
                    if error.kind() != GuardErrorKind::Full {
                        Shared::read_map_soon(&self.shared);
                    }
                    // A first attempt without an answer may have left its mark at a node before.
                    return Err(if was_redirected { GuardError::outcome_unknown(error) } else { error });
                }
            }
        }
        Err(GuardError::outcome_unknown("the nodes of the cluster keep redirecting each other"))
    }

    /// The primary of a slot; waits for the first map.
    async fn primary_of(&self, slot: u16, end: Instant) -> Result<Node, GuardError> {
        let mut map = self.shared.map.subscribe();
        loop {
            let known = Arc::clone(&map.borrow_and_update());
            if let Some(node) = known.primary_of(slot) {
                return Ok(node.clone());
            }
            Shared::read_map_soon(&self.shared);
            if *known != Slots::default() {
                return Err(GuardError::unavailable(format!("no node of the cluster serves slot {slot}")));
            }
            if let Some((kind, cause)) = self.shared.unreadable.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return Err(GuardError::because(kind, cause));
            }
            if timeout_at(end, map.changed()).await.is_err() {
                return Err(GuardError::overloaded("the map of the cluster did not arrive within the time budget"));
            }
        }
    }
}

impl Shared {
    fn links(&self) -> std::sync::MutexGuard<'_, BTreeMap<Node, Link<RedisStore>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, node: &Node) -> Link<RedisStore> {
        let mut links = self.links();
        match links.get(node) {
            Some(link) => link.clone(),
            None => links.entry(node.clone()).or_insert(Link::lazy(self.store(node))).clone(),
        }
    }

    fn store(&self, node: &Node) -> RedisStore {
        let connector = Connector::Node(self.address_of(node), node.clone(), self.map.subscribe());
        RedisStore::new(connector, self.settings.clone())
    }

    /// The address of a node.
    fn address_of(&self, (host, port): &Node) -> ConnectionInfo {
        let address = match self.like.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host.clone(), *port),
        };
        self.like.clone().set_addr(address)
    }

    /// Drops the connections to nodes that serve no slot any more.
    fn publish(&self, map: Slots) {
        self.links().retain(|node, _| map.primaries().contains(node));
        self.map.send_replace(Arc::new(map));
    }

    /// Reads the map from a node that is connected, or else from any node that answers.
    async fn read_map(&self) -> Result<Slots, GuardError> {
        let connected: Vec<_> = self
            .links()
            .iter()
            .filter(|(_, link)| link.is_up())
            .map(|(node, link)| (node.clone(), link.clone()))
            .collect();
        for (node, link) in connected {
            if let Ok(map) = ask(&link, &ReadMap(&node), TIME_FOR_A_MAP).await {
                return Ok(map);
            }
        }
        let mut last = GuardError::unavailable("no node of the cluster answered");
        let known: Vec<_> = self.map.borrow().primaries().into_iter().map(|node| self.address_of(node)).collect();
        for server in self.seeds.iter().cloned().chain(known) {
            match timeout(TIME_FOR_A_MAP, self.read_map_at(server)).await {
                Ok(Ok(map)) => return Ok(map),
                Ok(Err(error)) => last = error,
                Err(_) => last = GuardError::unavailable("a node of the cluster did not answer in time"),
            }
        }
        Err(last)
    }

    async fn read_map_at(&self, server: ConnectionInfo) -> Result<Slots, GuardError> {
        let node = match server.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), *port),
            _ => return Err(GuardError::misconfigured("a cluster cannot be reached over a Unix socket")),
        };
        let (mut connection, _) = connection::connect(server, self.settings.credentials.as_ref()).await?;
        let reply = cmd("CLUSTER").arg("SLOTS").query_async::<Value>(&mut connection).await;
        Slots::read(reply.map_err(super::server::unusable)?, &node)
    }

    /// Starts the one task that reads the map again, unless it is running.
    fn read_map_soon(shared: &Arc<Self>) {
        if shared.is_reading.swap(true, Ordering::Relaxed) {
            return;
        }
        // Created here and not in the task: a task that is dropped before it ran still drops its arguments.
        let reading = Reading(Arc::clone(shared));
        tokio::spawn(async move {
            let Reading(shared) = &reading;
            let is_first = **shared.map.borrow() == Slots::default();
            if !is_first || shared.unreadable.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                tokio::time::sleep(oauth_state_guard_kit::with_jitter(PAUSE)).await;
            }
            let map = shared.read_map().await;
            let unreadable = map.as_ref().err().map(|error| (error.kind(), with_cause(error)));
            *shared.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = unreadable;
            match map {
                Ok(map) => shared.publish(map),
                Err(error) => {
                    shared.refusals.note(&error);
                    // Those who wait for the first map are told.
                    shared.map.send_modify(|_| ());
                }
            }
        });
    }
}

/// Lets the next task start, also if this one is dropped with its runtime.
struct Reading(Arc<Shared>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.is_reading.store(false, Ordering::Relaxed);
    }
}
