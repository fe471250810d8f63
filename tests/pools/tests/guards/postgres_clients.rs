//! The pools of the tests, one for each client.

use std::any::Any;
use std::path::Path;
use std::time::Duration;

use diesel::r2d2::ConnectionManager;
use diesel_migrations::MigrationHarness;
use oauth_state::ReplayGuard;
use oauth_state_postgres::SCHEMA;
use pools::with_deadpool::DeadpoolGuard;
use pools::with_diesel::{DieselGuard, MIGRATIONS};
use pools::with_sqlx::SqlxGuard;
use support::servers::postgres::PostgresServer;

/// A guard over a pool of its client, with as many connections.
pub(crate) trait Client: ReplayGuard + Clone {
    const CONNECTIONS: u32 = 4;

    async fn open(url: &str) -> Self;
    /// Creates the table as users of this client do.
    async fn migrate(&self);
    /// Takes all connections of the pool.
    async fn hold_all(&self) -> Vec<Box<dyn Any + Send>>;
    async fn purge_marks(&self) -> u64;

    async fn with_table(server: &PostgresServer) -> Self {
        let client = Self::open(&server.url()).await;
        client.migrate().await;
        client
    }
}

impl Client for SqlxGuard {
    async fn open(url: &str) -> Self {
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(Self::CONNECTIONS);
        Self(pool.connect_lazy(url).unwrap())
    }

    async fn migrate(&self) {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlx");
        let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
        migrator.run(&self.0).await.unwrap();
        assert_eq!(migrator.iter().next().unwrap().sql.as_str(), SCHEMA);
    }

    async fn hold_all(&self) -> Vec<Box<dyn Any + Send>> {
        let mut held: Vec<Box<dyn Any + Send>> = Vec::new();
        for _ in 0..Self::CONNECTIONS {
            held.push(Box::new(self.0.acquire().await.unwrap()));
        }
        held
    }

    async fn purge_marks(&self) -> u64 {
        self.purge().await.unwrap()
    }
}

impl Client for DeadpoolGuard {
    async fn open(url: &str) -> Self {
        let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), tokio_postgres::NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).runtime(deadpool_postgres::Runtime::Tokio1);
        Self(pool.max_size(Self::CONNECTIONS as usize).build().unwrap())
    }

    async fn migrate(&self) {
        self.0.get().await.unwrap().batch_execute(SCHEMA).await.unwrap();
    }

    async fn hold_all(&self) -> Vec<Box<dyn Any + Send>> {
        let mut held: Vec<Box<dyn Any + Send>> = Vec::new();
        for _ in 0..Self::CONNECTIONS {
            held.push(Box::new(self.0.get().await.unwrap()));
        }
        held
    }

    async fn purge_marks(&self) -> u64 {
        self.purge().await.unwrap()
    }
}

impl Client for DieselGuard {
    async fn open(url: &str) -> Self {
        let pool = diesel::r2d2::Pool::builder().max_size(Self::CONNECTIONS).min_idle(Some(0));
        let pool = pool.connection_timeout(Duration::from_secs(5));
        Self::new(pool.build_unchecked(ConnectionManager::new(url)))
    }

    async fn migrate(&self) {
        let pool = self.pool().clone();
        let migrate = move || pool.get().unwrap().run_pending_migrations(MIGRATIONS).map(|run| run.len());
        assert_eq!(tokio::task::spawn_blocking(migrate).await.unwrap().unwrap(), 1);
    }

    async fn hold_all(&self) -> Vec<Box<dyn Any + Send>> {
        let pool = self.pool().clone();
        let hold =
            move || (0..Self::CONNECTIONS).map(|_| Box::new(pool.get().unwrap()) as Box<dyn Any + Send>).collect();
        tokio::task::spawn_blocking(hold).await.unwrap()
    }

    async fn purge_marks(&self) -> u64 {
        let guard = self.clone();
        tokio::task::spawn_blocking(move || guard.purge().unwrap() as u64).await.unwrap()
    }
}
