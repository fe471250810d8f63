//! A replay guard over MariaDB or MySQL, from the building blocks of `oauth-state-guard-kit`: a model for a guard over another store.
//!
//! The kit gives each claim its time budget and one retry, reconnects in the background, and refuses claims at once while the store is
//! down. This file says how to connect, what to send, and what each error means.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ReplayGuard;
use oauth_state::guard::{GuardError, GuardErrorKind, Mark, MarkFuture, Marked};
use oauth_state_guard_kit::{
    Call, Claim, DEFAULT_BUDGET, Failure, Flaw, LONGEST_BUDGET, Link, Store, check_budget, claim, refuse,
};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{ConnectOptions, Connection, Error};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The migration. InnoDB, because other engines lose rows in a crash.
pub const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS oauth_state_marks (id BINARY(16) PRIMARY KEY, \
    value VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, keep_until BIGINT NOT NULL, INDEX (keep_until)) ENGINE = InnoDB";
/// A plain `INSERT`, whose duplicate is an error. `INSERT IGNORE` would also ignore other errors, and after `ON DUPLICATE KEY UPDATE` some
/// clients, `sqlx` among them, count the row that was already there as affected.
const INSERT: &str = "INSERT INTO oauth_state_marks (id, value, keep_until) VALUES (?, ?, ?)";
const FIND: &str = "SELECT value FROM oauth_state_marks WHERE id = ?";
/// By the earlier of two clocks, minus the longest budget: a claim may be sent that much later than its expiry was checked.
const PURGE: &str = "DELETE FROM oauth_state_marks WHERE keep_until <= LEAST(?, UNIX_TIMESTAMP()) - ? LIMIT 10000";
/// What the server must be. An unknown table, a missing right or a missing column is an error.
const LOOK: &str = "SELECT @@read_only = 0, @@innodb_flush_log_at_trx_commit = 1, \
    (SELECT count(id) + count(value) + count(keep_until) FROM oauth_state_marks WHERE FALSE)";

/// How to connect.
struct MariaDb(MySqlConnectOptions);

impl Store for MariaDb {
    /// One connection, for one claim at a time. A busy service keeps several, as `oauth-state-postgres` does.
    type Connection = Arc<Mutex<MySqlConnection>>;
    type Lease = OwnedMutexGuard<MySqlConnection>;
    const NAME: &'static str = "mariadb";

    async fn connect(&self) -> Result<Self::Connection, GuardError> {
        let mut connection = self.0.connect().await.map_err(cannot_use)?;
        let looked = sqlx::query_as(LOOK).fetch_one(&mut connection).await.map_err(cannot_use)?;
        let (is_writable, is_durable, _): (bool, bool, i64) = looked;
        let mut flaws = Vec::new();
        if !is_writable {
            flaws.push(Flaw::fatal("replica", "the server is read-only", "use the primary's address"));
        }
        if !is_durable {
            let lost = "a crash loses the marks of the last second, and their states work twice";
            flaws.push(Flaw::warning("durability", lost, "set innodb_flush_log_at_trx_commit = 1"));
        }
        refuse(&flaws)?;
        Ok(Arc::new(Mutex::new(connection)))
    }

    async fn lease(&self, connection: Self::Connection) -> Self::Lease {
        connection.lock_owned().await
    }
}

impl Call<MariaDb> for Claim<'_> {
    type Answer = Marked;

    async fn ask(&self, _: &MariaDb, mut connection: OwnedMutexGuard<MySqlConnection>) -> Result<Marked, Failure> {
        let Claim(mark) = *self;
        let insert = sqlx::query(INSERT).bind(&mark.id()[..]).bind(mark.value()).bind(unix_seconds(mark.keep_until()));
        // If the caller goes away in the middle, sqlx reads this answer before it sends the next statement. For a client that does not, run
        // the call on a task of its own.
        match insert.execute(&mut *connection).await {
            Ok(_) => return Ok(Marked::First),
            Err(Error::Database(error)) if error.is_unique_violation() => {}
            Err(error) => return Err(failure(error)),
        }
        let find = sqlx::query_scalar::<_, String>(FIND).bind(&mark.id()[..]);
        let stored = find.fetch_optional(&mut *connection).await.map_err(failure)?;
        // Only its own value, from an earlier attempt, is the first use.
        mark.seen_after_insert(stored.as_deref().map(str::as_bytes)).map_err(Failure::refused)
    }
}

/// What the error of a claim means. If the server replied, it stored nothing, unless it was shutting down.
fn failure(error: Error) -> Failure {
    match number(&error) {
        None | Some(1053 | 1077..=1080 | 1927) => Failure::interrupted(error),
        // Read-only after a failover: another connection may reach the new primary.
        Some(1290 | 1792 | 1836) => Failure::turned_away(GuardError::unavailable(error)),
        Some(1021 | 1114) => Failure::refused(GuardError::because(GuardErrorKind::Full, error)),
        Some(number) if is_busy(number) => Failure::refused(GuardError::overloaded(error)),
        Some(_) => Failure::refused(GuardError::misconfigured(error)),
    }
}

/// Too many connections, locks, deadlocks, time limits. An attacker can cause these, so they are no outage.
fn is_busy(number: u16) -> bool {
    matches!(number, 1040 | 1203 | 1205 | 1213 | 1226 | 1969 | 3024)
}

/// The error before a claim was sent.
fn cannot_use(error: Error) -> GuardError {
    match number(&error) {
        Some(number) if is_busy(number) => GuardError::overloaded(error),
        Some(_) => GuardError::misconfigured(error),
        None => GuardError::unavailable(error),
    }
}

fn number(error: &Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

fn unix_seconds(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

pub struct MariaDbGuard {
    link: Link<MariaDb>,
    budget: Duration,
}

impl MariaDbGuard {
    /// Connects, and checks the server.
    pub async fn connect(options: MySqlConnectOptions) -> Result<Self, GuardError> {
        Ok(Self { link: Link::open(MariaDb(options)).await?, budget: DEFAULT_BUDGET })
    }

    /// How long a claim may take, with its retry: 300 ms by default, and a minute at most, for which purging allows.
    pub fn budget(self, budget: Duration) -> Result<Self, GuardError> {
        check_budget(budget)?;
        Ok(Self { budget, ..self })
    }
}

impl ReplayGuard for MariaDbGuard {
    fn mark_used<'a>(&'a self, mark: &'a Mark) -> MarkFuture<'a> {
        MarkFuture::new(claim(&self.link, mark, self.budget))
    }
}

/// Deletes expired marks. Call it about once a minute, on any number of servers.
pub async fn purge(options: &MySqlConnectOptions) -> Result<u64, Error> {
    let (mut connection, mut purged) = (options.connect().await?, 0);
    loop {
        let delete =
            sqlx::query(PURGE).bind(unix_seconds(SystemTime::now())).bind(LONGEST_BUDGET.as_secs().cast_signed());
        let rows = delete.execute(&mut connection).await?.rows_affected();
        purged += rows;
        if rows < 10_000 {
            connection.close().await?;
            return Ok(purged);
        }
    }
}
