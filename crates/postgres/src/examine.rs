//! Everything about a server that a guard depends on, for `oauth-state doctor`.

use tokio_postgres::Client;

use super::builder::PostgresGuardBuilder;
use super::errors::cannot_use;
use super::guard::PostgresGuard;
use super::server::Looked;
use super::settings::Settings;
use super::trial::{self, Trial};
use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::{self as kit, Examined, Flaw};

/// The version, the connections that are left, the number of replicas, whether one of them must confirm, whether the role
/// may create tables, and the database and schema of the table, or of the table that would be created. The connections are
/// counted in `pg_stat_database`, because `pg_stat_activity` hides those of other roles.
const MORE: &str = "SELECT current_setting('server_version'), \
    current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8 \
    - coalesce(current_setting('reserved_connections', true)::int8, 0) \
    - (SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database)::int8, \
    (SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names') <> '', \
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), current_database()::text, \
    coalesce((SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('oauth_state_marks')), \
    current_schema()::text, '')";

impl PostgresGuardBuilder {
    /// Checks the server for `oauth-state doctor` and health checks, and continues after flaws for which a guard would
    /// refuse the server. It creates no table.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the server cannot be reached or asked.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state_postgres::PostgresGuard;
    ///
    /// # async fn example() -> Result<(), oauth_state::guard::GuardError> {
    /// let examined = PostgresGuard::builder("postgres://service@127.0.0.1/shop").examine().await?;
    /// for flaw in &examined.flaws {
    ///     eprintln!("{}: {}; {}", flaw.name, flaw.found, flaw.remedy);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(self) -> Result<Examined, GuardError> {
        examine(&self.store()?.settings).await
    }
}

impl PostgresGuard {
    /// Checks the server now, over a new connection, as `oauth-state doctor` does: for a health endpoint that only your
    /// operators can reach.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the server cannot be reached or asked.
    pub async fn examine(&self) -> Result<Examined, GuardError> {
        examine(&self.link.store().settings).await
    }
}

async fn examine(settings: &Settings) -> Result<Examined, GuardError> {
    let client = settings.connect().await?;
    let looked = Looked::at(&client, settings.purge_every.is_some()).await?;
    let mut flaws = looked.flaws();
    let row = client.query_typed_one(MORE, &[]).await.map_err(cannot_use)?;
    let (version, left) = (row.try_get::<_, String>(0), row.try_get::<_, i64>(1));
    let (replicas, synchronous) = (row.try_get::<_, i64>(2), row.try_get::<_, bool>(3));
    let mut well = vec![("version", format!("postgres {}", version.map_err(cannot_use)?))];
    well.push(match (replicas.map_err(cannot_use)?, synchronous.map_err(cannot_use)?) {
        (number @ 1.., true) => ("replicas", format!("{number}; synchronous_standby_names is set")),
        (number, _) => kit::replicas(number.unsigned_abs()),
    });
    if looked.fsync {
        well.push(("fsync", "on".to_owned()));
    }
    flaws.extend(
        settings
            .transport
            .unencrypted(&settings.config)
            .map(|host| kit::not_encrypted(&host, "use ?sslmode=verify-full (feature `tls`)")),
    );
    // This process needs so many, and one for the purger; the connection of this check is one of those in use.
    let needed = i64::try_from(settings.connections).unwrap_or(i64::MAX);
    let left = left.map_err(cannot_use)?;
    let found =
        format!("{left} connections are left, and each process needs {} and one to purge", settings.connections);
    if left < needed {
        flaws.push(Flaw::warning("connections", found, "raise max_connections, or use a pooler"));
    } else {
        well.push(("connections", found));
    }
    if settings.create_tables && !looked.has_table && row.try_get(4).map_err(cannot_use)? {
        flaws.retain(|flaw| flaw.name != "table");
        well.push(("table", "oauth_state_marks is missing; the role may create it".to_owned()));
    } else if looked.can_be_tried() {
        let (passed, flaw) = tried(&client, settings).await?;
        well.extend(passed);
        flaws.extend(flaw);
    }
    let name = |column| row.try_get::<_, String>(column).map_err(cannot_use);
    let kept_in = vec![("database", name(5)?), ("schema", name(6)?)];
    Ok(Examined { well, flaws, kept_in, ahead: Some(looked.ahead) })
}

/// What a trial claim found.
async fn tried(
    client: &Client,
    settings: &Settings,
) -> Result<(Vec<(&'static str, String)>, Option<Flaw>), GuardError> {
    let complete = ("table", "oauth_state_marks is complete, and the role can write marks".to_owned());
    match trial::claim(client, settings).await {
        Ok(Trial::Passed) => {
            let claim =
                ("claim", "a trial mark was stored once in each partition and refused the second time".to_owned());
            Ok((vec![complete, claim], None))
        }
        Ok(Trial::NotPossible(cause)) => {
            let found = format!("no trial claim could be made: {cause}");
            Ok((Vec::new(), Some(Flaw::warning("claim", found, "try again; behind a pooler, use transaction mode"))))
        }
        Ok(Trial::NoTransactions) => {
            let found = "a pooler in statement mode: claims work, but nothing can be purged over it";
            Ok((
                Vec::new(),
                Some(Flaw::warning("claim", found, "use transaction mode, or purge over a direct connection")),
            ))
        }
        Err(error) if error.kind() == GuardErrorKind::Unavailable => Err(error),
        Err(error) => {
            let remedy = "correct what the server names: its disk, the table or a trigger";
            Ok((Vec::new(), Some(Flaw::fatal("claim", kit::with_cause(&error), remedy))))
        }
    }
}
