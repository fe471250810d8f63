//! Legacy stores: a map in the process, and a service's own table.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use oauth_state::BoxFuture;
use oauth_state::Origin;
use oauth_state_store::{Issued, LegacyStore, StoreError, is_form_of_this_crate};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::garbage::random_bytes;

/// The data of one login of the trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub number: u64,
}

const LIFETIME: Duration = Duration::from_secs(600);

/// As random as before.
fn new_state() -> String {
    random_bytes(16).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The usual legacy store: a map that no other process sees.
#[derive(Default)]
pub struct OldMap(Mutex<HashMap<String, (Visit, Instant)>>);

impl LegacyStore<Visit> for OldMap {
    fn insert<'a>(&'a self, _: Origin, visit: Visit) -> BoxFuture<'a, Result<Issued, StoreError>> {
        let state = new_state();
        self.0.lock().unwrap().insert(state.clone(), (visit, Instant::now()));
        Box::pin(async { Ok(Issued::bare(state)) })
    }

    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<Visit>, StoreError>> {
        let taken = self.0.lock().unwrap().remove(state).filter(|(_, at)| at.elapsed() < LIFETIME);
        Box::pin(async { Ok(taken.map(|(visit, _)| visit)) })
    }

    fn owns(&self, state: &str) -> bool {
        !is_form_of_this_crate(state)
    }
}

/// A service's own table, shared by all its servers.
pub struct OldTable(pub Client);

pub const OLD_TABLE: &str = "DROP TABLE IF EXISTS old_logins; CREATE TABLE old_logins \
    (state text PRIMARY KEY, visit bigint NOT NULL, begun_at timestamptz NOT NULL DEFAULT now())";

impl LegacyStore<Visit> for OldTable {
    fn insert<'a>(&'a self, _: Origin, visit: Visit) -> BoxFuture<'a, Result<Issued, StoreError>> {
        Box::pin(async move {
            let (state, visit) = (new_state(), i64::try_from(visit.number).map_err(StoreError::misconfigured)?);
            let insert = "INSERT INTO old_logins (state, visit) VALUES ($1, $2)";
            self.0.execute(insert, &[&state, &visit]).await.map_err(StoreError::unavailable)?;
            Ok(Issued::bare(state))
        })
    }

    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<Visit>, StoreError>> {
        Box::pin(async move {
            let take =
                "DELETE FROM old_logins WHERE state = $1 AND begun_at > now() - interval '600 s' RETURNING visit";
            let row = self.0.query_opt(take, &[&state]).await.map_err(StoreError::unavailable)?;
            let visit = row.map(|row| row.try_get::<_, i64>(0)).transpose().map_err(StoreError::unavailable)?;
            Ok(visit.map(|visit| Visit { number: visit.unsigned_abs() }))
        })
    }

    fn owns(&self, state: &str) -> bool {
        !is_form_of_this_crate(state)
    }
}
