//! The four stores, each built as by a server of a fleet, over real Redis and real Postgres.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, BeginError, Binding, Callback, Expect, FinishError, Flow, LiveKeyRing, Login, Provider, ReplayGuard,
    SingleProcessGuard,
};
use oauth_state_postgres::PostgresGuard;
use oauth_state_postgres::PostgresPayloadStore;
use oauth_state_postgres::{ROWS_SCHEMA, SCHEMA};
use oauth_state_redis::RedisGuard;
use oauth_state_redis::RedisPayloadStore;
use oauth_state_store::{Consumed, ConsumedLogin, Issued, MemoryPayloadStore, PayloadStore, StateStore, StoredFlow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use support::servers::Failure;
use support::servers::postgres::PostgresServer;
use support::servers::redis::{Engine, RedisServer};

/// The cases test the answers and not their speed: a busy machine may take its time.
pub const PATIENT: Duration = Duration::from_secs(10);

/// The servers that most cases share; cases that kill a server start their own.
pub struct Servers {
    pub redis: RedisServer,
    pub postgres: PostgresServer,
}

impl Servers {
    pub async fn start() -> Result<Self, Failure> {
        let redis = RedisServer::start(Engine::Redis70, &["--appendonly", "yes", "--appendfsync", "no"]).await?;
        // No machine crashes here; without it the cases take longer and show the same.
        let postgres = PostgresServer::start(&["fsync=off"]).await?;
        postgres.execute(SCHEMA).await?;
        postgres.execute(ROWS_SCHEMA).await?;
        Ok(Self { redis, postgres })
    }

    /// Removes everything that earlier cases left.
    pub async fn empty(&self) -> Result<(), Failure> {
        self.redis.run::<()>("FLUSHALL").await?;
        self.postgres.execute("TRUNCATE oauth_state_rows; TRUNCATE oauth_state_marks").await
    }

    pub async fn redis_guard(&self) -> Result<RedisGuard, Failure> {
        Ok(RedisGuard::builder(self.redis.url()).budget(PATIENT).connect().await?)
    }

    pub async fn postgres_guard(&self) -> Result<PostgresGuard, Failure> {
        let builder = PostgresGuard::builder(self.postgres.url()).budget(PATIENT).without_purging();
        Ok(builder.connect().await?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sealed,
    Memory,
    Redis,
    Postgres,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Sealed, Self::Memory, Self::Redis, Self::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }

    pub fn prefix(self) -> &'static str {
        match self {
            Self::Sealed => "ost1",
            Self::Memory => "osm1",
            Self::Redis => "osr1",
            Self::Postgres => "osp1",
        }
    }
}

/// The parts that all servers of one service share: the ring and the store. The test sets the clock.
pub struct Fleet {
    pub kind: Kind,
    pub clock: ManualClock,
    pub document: KeyRingDocument,
    pub servers: Arc<Servers>,
    pub memory: Arc<MemoryPayloadStore>,
    pub marks: SingleProcessGuard,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub fn timing() -> RingTiming {
    RingTiming {
        propagation: Duration::from_secs(60),
        skew: Duration::from_secs(60),
        lifetime_cap: Duration::from_secs(600),
    }
}

pub fn document() -> Result<KeyRingDocument, Failure> {
    Ok(KeyRingDocument::first(timing(), at(now()))?)
}

impl Fleet {
    pub fn new(kind: Kind, servers: Arc<Servers>) -> Result<Self, Failure> {
        Ok(Self {
            kind,
            clock: ManualClock::at(now()),
            document: document()?,
            servers,
            memory: Arc::new(MemoryPayloadStore::with_capacity(100_000)),
            marks: SingleProcessGuard::with_capacity(1_000_000),
        })
    }

    /// One more server, with its own connections and its own copy of the keys. A process does not share its memory, so
    /// for `Kind::Memory` this is another handle of the same process.
    pub async fn server<T: Data>(&self) -> Result<Server<T>, Failure> {
        let keys = LiveKeyRing::from(self.document.ring().clone());
        let redis = self.servers.redis_guard();
        let (guard, rows): (Arc<dyn ReplayGuard>, Option<Arc<dyn PayloadStore>>) = match self.kind {
            Kind::Sealed => (Arc::new(redis.await?), None),
            Kind::Memory => (Arc::new(self.marks.clone()), Some(Arc::new(Arc::clone(&self.memory)))),
            Kind::Redis => {
                let guard = redis.await?;
                let rows = RedisPayloadStore::from_guard(&guard);
                (Arc::new(guard), Some(Arc::new(rows)))
            }
            Kind::Postgres => {
                let guard = self.servers.postgres_guard().await?;
                let rows = PostgresPayloadStore::from_guard(&guard).await?;
                (Arc::new(guard), Some(Arc::new(rows)))
            }
        };
        server(keys, self.clock.clone(), guard, rows)
    }
}

/// A server with any guard and any store of rows; without rows, a sealed one.
pub fn server<T: Data>(
    keys: LiveKeyRing,
    clock: ManualClock,
    guard: Arc<dyn ReplayGuard>,
    rows: Option<Arc<dyn PayloadStore>>,
) -> Result<Server<T>, Failure> {
    let builder = Flow::builder(App::new("shop", "test")?, keys.clone(), guard)
        .carrying::<T>()
        .provider(Provider::github())
        .provider(Provider::custom("forge")?)
        .clock(clock);
    let store: Arc<dyn StateStore<T>> = match rows {
        None => Arc::new(builder.build()?),
        Some(rows) => Arc::new(StoredFlow::new(builder, rows)?),
    };
    Ok(Server { store, keys })
}

pub trait Data: Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Data for T {}

/// A store from the service's point of view.
pub struct Server<T> {
    pub store: Arc<dyn StateStore<T>>,
    pub keys: LiveKeyRing,
}

/// The session of the user who starts the login, and another one.
pub const OWNER: &[u8; 16] = &[7; 16];
pub const OTHER: &[u8; 16] = &[8; 16];

impl<T: Data> Server<T> {
    pub async fn begin(&self, data: T) -> Result<Issued, BeginError> {
        self.store.issue(Binding::session(OWNER).unwrap(), Login::with("github").data(data)).await
    }

    pub async fn state(&self, data: T) -> Result<String, Failure> {
        Ok(self.begin(data).await?.state)
    }

    pub async fn finish(&self, state: &str) -> Result<ConsumedLogin<T>, FinishError> {
        self.finish_as(OWNER, "github", state).await
    }

    pub async fn finish_as(
        &self,
        session: &[u8],
        provider: &str,
        state: &str,
    ) -> Result<ConsumedLogin<T>, FinishError> {
        let callback = Callback::from_pairs([("state", state), ("code", "code")])?;
        let consumed = self.store.consume(Binding::session(session).unwrap(), Expect::provider(provider), callback);
        match consumed.await? {
            Consumed::Code(login) => Ok(login),
            _ => panic!("no error was sent"),
        }
    }

    /// The code of the refusal, or `finished`.
    pub async fn answer(&self, state: &str) -> &'static str {
        self.finish(state).await.map_or_else(|error| error.code(), |_| "finished")
    }

    pub async fn expect(&self, state: &str, answer: &str, when: &str) -> Result<(), Failure> {
        match self.finish(state).await {
            Ok(_) if answer == "finished" => Ok(()),
            Err(error) if error.code() == answer => Ok(()),
            Ok(_) => Err(format!("{when}: finished, not {answer}").into()),
            Err(error) => Err(format!("{when}: {} ({}), not {answer}", error.code(), error.diagnosis()).into()),
        }
    }
}
