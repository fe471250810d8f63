//! Everything about a server that a guard depends on, for `oauth-state doctor`.

use std::time::SystemTime;

use super::connection::RedisStore;
use super::server::{field, flaws, information, try_to_claim, version};
use super::{OnEvictingServer, RedisGuardBuilder};
use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::{Examined, Flaw, ahead, replicas, with_cause};

impl RedisGuardBuilder {
    /// Checks the server for `oauth-state doctor` and health checks, and continues after flaws for which a guard would
    /// refuse the server. It leaves one trial mark, which expires by itself.
    ///
    /// # Errors
    ///
    /// [`GuardError`] if the server cannot be reached or asked.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use oauth_state_redis::RedisGuard;
    ///
    /// # async fn example() -> Result<(), oauth_state::guard::GuardError> {
    /// let examined = RedisGuard::builder("redis://127.0.0.1:6379").examine().await?;
    /// for flaw in &examined.flaws {
    ///     eprintln!("{}: {}; {}", flaw.name, flaw.found, flaw.remedy);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(self) -> Result<Examined, GuardError> {
        let (store, _) = self.store()?;
        examine(&store).await
    }
}

async fn examine(store: &RedisStore) -> Result<Examined, GuardError> {
    let mut connection = store.open().await?;
    let before = SystemTime::now();
    let information = information(&mut connection).await?;
    let after = SystemTime::now();
    let mut examined = judge(&information, store.evicting, before, after);
    examined.kept_in.push(("prefix", store.prefix.clone()));
    if !examined.flaws.iter().any(|flaw| flaw.name == "replica") {
        match try_to_claim(&mut connection, &store.prefix).await {
            Ok(()) => {
                examined.well.push(("claim", "a trial mark was stored once and refused the second time".to_owned()));
            }
            // Report the other findings anyway.
            Err(error) if !matches!(error.kind(), GuardErrorKind::Unavailable | GuardErrorKind::Overloaded) => {
                examined.flaws.push(Flaw::fatal(
                    "claim",
                    with_cause(&error),
                    "give the server more memory, or the user the rights listed in docs/guards.md",
                ));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(examined)
}

fn judge(information: &[String], evicting: OnEvictingServer, before: SystemTime, after: SystemTime) -> Examined {
    let mut flaws = flaws(information, evicting);
    let mut well = Vec::new();
    well.extend(information.first().and_then(|text| version(text)).map(|version| ("version", version)));
    if !flaws.iter().any(|flaw| flaw.name == "eviction_policy") {
        well.push(("eviction_policy", "maxmemory-policy is noeviction".to_owned()));
    }
    let each = |name| information.iter().filter_map(move |text| field(text, name));
    let numbers = |name| each(name).filter_map(|number| number.parse::<i64>().ok());
    // The lowest of all nodes of a cluster.
    well.extend(numbers("connected_slaves").min().map(|fewest| replicas(fewest.unsigned_abs())));
    match numbers("aof_enabled").min() {
        Some(0) => flaws.push(Flaw::warning(
            "persistence",
            "appendonly is off: a restart loses marks, and states used in the last minutes work once more",
            "set appendonly yes; with appendfsync always, no mark is lost",
        )),
        Some(_) => well.push(("persistence", "appendonly is on".to_owned())),
        None => {}
    }
    let differences =
        numbers("server_time_usec").map(|theirs| ahead(before, after, theirs.checked_div(1_000).unwrap_or(0)));
    Examined { well, flaws, kept_in: Vec::new(), ahead: differences.max_by_key(|ahead| ahead.unsigned_abs()) }
}

#[cfg(test)]
mod tests;
