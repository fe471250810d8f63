//! A server's report about itself and the table, and whether the server can serve as a guard.

use std::time::SystemTime;

use tokio_postgres::{Client, Row};

use super::errors::cannot_use;
use super::settings::Settings;
use super::table::{PARTITIONS, SCHEMA};
use super::trial::{self, Trial};
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{Flaw, ahead, clock_apart, refuse};

/// The version of the table that this release makes and knows: that of the table's comment, `oauth-state, version 1`. A table
/// without one, or with a comment of your own, is of version 1.
const VERSION: i32 = 1;

const LOOK: &str = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', \
    current_setting('fsync') = 'on', marks IS NOT NULL, \
    coalesce(has_table_privilege(marks, 'INSERT') AND has_table_privilege(marks, 'SELECT'), false), \
    (SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
     WHERE inhparent = marks AND relpersistence = 'p'), \
    EXISTS (SELECT FROM pg_index WHERE indrelid = marks AND indisprimary AND indisvalid), \
    (SELECT count(*) FROM pg_inherits WHERE inhparent = marks \
     AND has_table_privilege(inhrelid, 'SELECT') AND has_table_privilege(inhrelid, 'TRUNCATE')), \
    coalesce(substring(obj_description(marks, 'pg_class') FROM 'oauth-state, version ([0-9]{1,9})$')::int, 1), \
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
    FROM to_regclass('oauth_state_marks') AS marks";

/// The result of the check.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) in_recovery: bool,
    /// `default_transaction_read_only`, on a server that is a primary.
    pub(super) read_only: bool,
    pub(super) fsync: bool,
    pub(super) has_table: bool,
    pub(super) has_rights: bool,
    pub(super) durable_partitions: i64,
    pub(super) has_primary_key: bool,
    /// The partitions that this role may purge.
    pub(super) purgeable_partitions: i64,
    pub(super) version: i32,
    /// How many milliseconds the server's clock is ahead of this machine's.
    pub(super) ahead: i64,
    /// Whether this process purges.
    pub(super) purges: bool,
}

impl Looked {
    pub(super) async fn at(client: &Client, purges: bool) -> Result<Self, GuardError> {
        let before = SystemTime::now();
        let row = client.query_typed_one(LOOK, &[]).await.map_err(cannot_use)?;
        let after = SystemTime::now();
        let looked = Self::read(&row, purges).map_err(cannot_use)?;
        Ok(Self { ahead: ahead(before, after, looked.ahead), ..looked })
    }

    fn read(row: &Row, purges: bool) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            in_recovery: row.try_get(0)?,
            read_only: row.try_get(1)?,
            fsync: row.try_get(2)?,
            has_table: row.try_get(3)?,
            has_rights: row.try_get(4)?,
            durable_partitions: row.try_get(5)?,
            has_primary_key: row.try_get(6)?,
            purgeable_partitions: row.try_get(7)?,
            version: row.try_get(8)?,
            ahead: row.try_get(9)?,
            purges,
        })
    }

    /// Whether a trial claim can be made.
    pub(super) fn can_be_tried(&self) -> bool {
        !self.flaws().iter().any(|flaw| flaw.fatal)
    }

    /// The flaws. If the table is missing, its other flaws are not reported.
    pub(super) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.in_recovery {
            flaws.push(Flaw::fatal(
                "replica",
                "the server is a read-only replica; marks must be written to the primary",
                "use the primary's address, or all addresses with target_session_attrs=read-write",
            ));
        } else if self.read_only {
            flaws.push(Flaw::fatal(
                "read_only",
                "the server is a primary, but default_transaction_read_only is on, so it refuses marks",
                "turn default_transaction_read_only off for the server, the database and the role",
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
        if self.version > VERSION {
            flaws.push(Flaw::fatal(
                "table",
                format!(
                    "oauth_state_marks is of version {}, which a later release made; this one knows {VERSION}",
                    self.version
                ),
                "update oauth-state, or use another schema",
            ));
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
        if self.purges && self.purgeable_partitions < self.durable_partitions {
            flaws.push(Flaw::warning(
                "purge_rights",
                format!(
                    "the role may purge {} of the {} partitions of oauth_state_marks; the others grow without end",
                    self.purgeable_partitions, self.durable_partitions
                ),
                "GRANT SELECT, TRUNCATE on each partition, or let another role purge and use without_purging()",
            ));
        }
        flaws
    }
}

/// A migration as one transaction, with time to wait for another server that runs it too.
pub(super) fn patiently(migration: &str) -> String {
    format!("SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '10s'; {migration}")
}

/// Whether flaws that refuse no server are logged: once, and not for each of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warnings {
    Log,
    Leave,
}

/// Checks whether this server can serve as a guard.
pub(super) async fn look_at(client: &Client, settings: &Settings, warnings: Warnings) -> Result<Trial, GuardError> {
    let mut looked = Looked::at(client, settings.purge_every.is_some()).await?;
    if settings.create_tables && !looked.has_table && !looked.in_recovery && !looked.read_only {
        // The long limits leave time to wait for another server that is creating them.
        client.batch_execute(&patiently(SCHEMA)).await.map_err(cannot_use)?;
        looked = Looked::at(client, settings.purge_every.is_some()).await?;
    }
    let mut flaws = looked.flaws();
    flaws.extend(clock_apart(looked.ahead));
    flaws.retain(|flaw| flaw.fatal || warnings == Warnings::Log);
    refuse(&flaws)?;
    let tried = trial::claim(client, settings).await?;
    if let Trial::NotPossible(cause) = &tried {
        tracing::debug!(cause, "no trial claim was made");
    }
    Ok(tried)
}

#[cfg(test)]
mod tests;
