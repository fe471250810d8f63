//! A replay guard over your own Diesel pool (`r2d2`). [`MIGRATIONS`] or `diesel migration run` creates the table from `migrations/diesel`,
//! whose `up.sql` is `oauth_state_postgres::SCHEMA` as it is. `diesel.toml` keeps it out of `diesel print-schema`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel::sql_types::{BigInt, Binary, SmallInt, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked};
use oauth_state_postgres::{FIND, INSERT, MarkRow, PURGE, PURGE_BATCH, purge_before};
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/diesel");

/// How long a claim waits for a connection.
const CONNECTION: Duration = Duration::from_secs(1);
/// How long it waits for the answer; it is then repeated once.
const ANSWER: Duration = Duration::from_secs(1);

type Connections = Pool<ConnectionManager<PgConnection>>;

#[derive(Clone)]
pub struct DieselGuard {
    pool: Connections,
    /// One for each connection. Diesel blocks its thread: more claims would wait for a thread instead, without being sent.
    turns: Arc<Semaphore>,
}

impl DieselGuard {
    pub fn new(pool: Connections) -> Self {
        let turns = Semaphore::new(pool.max_size() as usize);
        Self { pool, turns: Arc::new(turns) }
    }

    pub fn pool(&self) -> &Connections {
        &self.pool
    }

    async fn claim(&self, mark: &Mark) -> Result<Marked, GuardError> {
        let turn = timeout(CONNECTION, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(GuardError::overloaded)?.map_err(GuardError::misconfigured)?;
        let (pool, row) = (self.pool.clone(), MarkRow::of(mark));
        let asking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut connection = pool.get_timeout(CONNECTION).map_err(|error| match pool.state().connections {
                // Without any connection, the database is down. Otherwise it is load, which an attacker can cause:
                // `DangerouslyFailOpen` stays closed.
                0 => GuardError::unavailable(error),
                _ => GuardError::overloaded(error),
            })?;
            insert(&mut connection, row).map_err(failed)
        });
        let late = |_| GuardError::outcome_unknown("the database did not answer in time");
        let answer = timeout(CONNECTION + ANSWER, asking).await.map_err(late)?;
        let stored = answer.map_err(GuardError::outcome_unknown)??;
        stored.map_or(Ok(Marked::First), |stored| mark.seen_after_insert(stored.as_deref().map(str::as_bytes)))
    }

    /// Deletes expired marks. Call it about once a minute, on any number of servers, in `spawn_blocking`.
    pub fn purge(&self) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let (mut connection, mut purged) = (self.pool.get()?, 0);
        loop {
            let before = purge_before(SystemTime::now());
            let rows = diesel::sql_query(PURGE).bind::<BigInt, _>(before).execute(&mut connection)?;
            purged += rows;
            if (rows as u64) < PURGE_BATCH {
                return Ok(purged);
            }
        }
    }
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    value: String,
}

/// `None`: this is the first use. Otherwise the stored value.
fn insert(connection: &mut PgConnection, row: MarkRow) -> QueryResult<Option<Option<String>>> {
    let insert = diesel::sql_query(INSERT).bind::<SmallInt, _>(row.bucket).bind::<Binary, _>(&row.id[..]);
    if insert.bind::<Text, _>(row.value).bind::<BigInt, _>(row.keep_until).execute(connection)? == 1 {
        return Ok(None);
    }
    let find = diesel::sql_query(FIND).bind::<SmallInt, _>(row.bucket).bind::<Binary, _>(&row.id[..]);
    find.get_result::<Stored>(connection).optional().map(|stored| Some(stored.map(|row| row.value)))
}

/// Diesel tells kinds of errors instead of SQLSTATE.
fn failed(error: Error) -> GuardError {
    match &error {
        Error::DatabaseError(Kind::SerializationFailure, _) => GuardError::overloaded(error),
        Error::DatabaseError(Kind::ReadOnlyTransaction, _) => GuardError::unavailable(error),
        Error::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand, _) => {
            GuardError::outcome_unknown(error)
        }
        // The server replied: perhaps that it shuts down, perhaps that a lock is held, which load can cause. The inner error keeps
        // `DangerouslyFailOpen` closed.
        _ => GuardError::outcome_unknown(GuardError::overloaded(error)),
    }
}

impl ReplayGuard for DieselGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(async move {
            mark.refuse_if_over()?;
            match self.claim(mark).await {
                // The second attempt recognizes the mark of the first. If it fails as well, the outcome stays unknown.
                Err(error) if error.kind() == GuardErrorKind::OutcomeUnknown => {
                    self.claim(mark).await.map_err(GuardError::outcome_unknown)
                }
                answer => answer,
            }
        })
    }
}
