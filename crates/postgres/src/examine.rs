//! Everything about a server that a guard depends on, for `oauth-state doctor`.

use std::time::SystemTime;

use super::PostgresGuardBuilder;
use super::server::Looked;
use super::settings::cannot_use;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{self as kit, Examined, ahead};

/// The version, the clock in milliseconds, the number of replicas, whether one of them must confirm, whether the role
/// may create tables, and the database and schema of the table, or of the table that would be created.
const MORE: &str = "SELECT current_setting('server_version'), (extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
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
        let settings = self.store()?.settings;
        let client = settings.connect().await?;
        let looked = Looked::at(&client).await?;
        let mut flaws = looked.flaws();
        let before = SystemTime::now();
        let row = client.query_typed_one(MORE, &[]).await.map_err(cannot_use)?;
        let after = SystemTime::now();
        let (version, theirs) = (row.try_get::<_, String>(0), row.try_get::<_, i64>(1));
        let (replicas, synchronous) = (row.try_get::<_, i64>(2), row.try_get::<_, bool>(3));
        let mut well = vec![("version", format!("postgres {}", version.map_err(cannot_use)?))];
        well.push(match (replicas.map_err(cannot_use)?, synchronous.map_err(cannot_use)?) {
            (number @ 1.., true) => ("replicas", format!("{number}; synchronous_standby_names is set")),
            (number, _) => kit::replicas(number.unsigned_abs()),
        });
        if !flaws.iter().any(|flaw| flaw.name == "fsync") {
            well.push(("fsync", "on".to_owned()));
        }
        if settings.create_tables && !looked.has_table && row.try_get(4).map_err(cannot_use)? {
            flaws.retain(|flaw| flaw.name != "table");
            well.push(("table", "oauth_state_marks is missing; the role may create it".to_owned()));
        } else if !flaws.iter().any(|flaw| matches!(flaw.name, "table" | "rights")) {
            well.push(("table", "oauth_state_marks is complete, and the role can write marks".to_owned()));
        }
        let name = |column| row.try_get::<_, String>(column).map_err(cannot_use);
        let kept_in = vec![("database", name(5)?), ("schema", name(6)?)];
        let ahead = Some(ahead(before, after, theirs.map_err(cannot_use)?));
        Ok(Examined { well, flaws, kept_in, ahead })
    }
}
