//! A server's report about itself and the table, and whether the server can serve as a guard.

use tokio_postgres::{Client, Row};

use super::settings::{Settings, cannot_use};
use super::table::{PARTITIONS, SCHEMA};
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{Flaw, refuse};

const LOOK: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', \
    current_setting('fsync') = 'on', marks IS NOT NULL, \
    coalesce(has_table_privilege(marks, 'INSERT') AND has_table_privilege(marks, 'SELECT'), false), \
    (SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
     WHERE inhparent = marks AND relpersistence = 'p'), \
    EXISTS (SELECT FROM pg_index WHERE indrelid = marks AND indisprimary AND indisvalid) \
    FROM to_regclass('oauth_state_marks') AS marks";

/// The result of the check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    read_only: bool,
    fsync: bool,
    pub(super) has_table: bool,
    has_rights: bool,
    durable_partitions: i64,
    has_primary_key: bool,
}

impl Looked {
    pub(super) async fn at(client: &Client) -> Result<Self, GuardError> {
        let row = client.query_typed_one(LOOK, &[]).await.map_err(cannot_use)?;
        Self::read(&row).map_err(cannot_use)
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            read_only: row.try_get(0)?,
            fsync: row.try_get(1)?,
            has_table: row.try_get(2)?,
            has_rights: row.try_get(3)?,
            durable_partitions: row.try_get(4)?,
            has_primary_key: row.try_get(5)?,
        })
    }

    /// The flaws. If the table is missing, its other flaws are not reported.
    pub(super) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.read_only {
            flaws.push(Flaw::fatal(
                "replica",
                "the server is a read-only replica; marks must be written to the primary",
                "use the primary's address, or all addresses with target_session_attrs=read-write",
            ));
        }
        if !self.fsync {
            flaws.push(Flaw::warning(
                "fsync",
                "fsync is off: a crash of the server's machine loses marks, and their states work twice",
                "set fsync = on",
            ));
        }
        if !self.has_table {
            flaws.push(Flaw::fatal(
                "table",
                "the table oauth_state_marks is missing",
                "run the migration oauth_state_postgres::SCHEMA, or use create_tables()",
            ));
            return flaws;
        }
        if !self.has_rights {
            flaws.push(Flaw::fatal(
                "rights",
                "the role needs SELECT and INSERT on oauth_state_marks",
                "GRANT SELECT, INSERT ON oauth_state_marks",
            ));
        }
        if !self.has_primary_key {
            flaws.push(Flaw::fatal(
                "table",
                "oauth_state_marks has lost its primary key; without it, every use of a state counts as the first",
                "recreate the table with oauth_state_postgres::SCHEMA",
            ));
        }
        if u64::try_from(self.durable_partitions) != Ok(PARTITIONS) {
            flaws.push(Flaw::fatal(
                "table",
                "oauth_state_marks must have the 16 partitions of oauth_state_postgres::SCHEMA, none of them UNLOGGED, \
                 which a crash empties",
                "recreate the table with it",
            ));
        }
        flaws
    }
}

/// A migration as one transaction, with time to wait for another server that runs it too.
pub(super) fn patiently(migration: &str) -> String {
    format!("SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '10s'; {migration}")
}

/// Checks whether this server can serve as a guard.
pub(super) async fn look_at(client: &Client, settings: &Settings) -> Result<(), GuardError> {
    let mut looked = Looked::at(client).await?;
    if settings.create_tables && !looked.has_table && !looked.read_only {
        // The long limits leave time to wait for another server that is creating them.
        client.batch_execute(&patiently(SCHEMA)).await.map_err(cannot_use)?;
        looked = Looked::at(client).await?;
    }
    refuse(&looked.flaws())
}

#[cfg(test)]
mod tests;
