//! Everything that a server says of itself that a guard depends on, for `oauth-state doctor`.

use std::time::SystemTime;

use super::connection::RedisStore;
use super::server::{field, flaws, information, try_to_claim, version};
use super::{EvictionPolicy, RedisGuardBuilder};
use crate::replay::GuardError;
use crate::replay::remote::{Examined, Flaw, examined};

impl RedisGuardBuilder {
    /// Looks at the server and goes on where a guard would refuse it.
    pub(crate) async fn examine(self) -> Result<Examined, GuardError> {
        let (store, _) = self.store()?;
        examine(&store).await
    }
}

async fn examine(store: &RedisStore) -> Result<Examined, GuardError> {
    let mut connection = store.open().await?;
    let before = SystemTime::now();
    let information = information(&mut connection).await?;
    let after = SystemTime::now();
    let mut examined = judge(&information, before, after);
    if !examined.flaws.iter().any(|flaw| flaw.name == "replica") {
        try_to_claim(&mut connection, &store.prefix).await?;
        examined.well.push(("claim", "a trial mark was kept, and not a second time".to_owned()));
    }
    Ok(examined)
}

fn judge(information: &[String], before: SystemTime, after: SystemTime) -> Examined {
    let mut flaws = flaws(information, EvictionPolicy::Refuse);
    let mut well = Vec::new();
    well.extend(information.first().and_then(|text| version(text)).map(|version| ("version", version)));
    if !flaws.iter().any(|flaw| flaw.name == "eviction_policy") {
        well.push(("eviction_policy", "maxmemory-policy is noeviction".to_owned()));
    }
    let each = |name| information.iter().filter_map(move |text| field(text, name));
    let numbers = |name| each(name).filter_map(|number| number.parse::<i64>().ok());
    // Of each node of a cluster.
    well.extend(numbers("connected_slaves").min().map(|fewest| examined::replicas(fewest.unsigned_abs())));
    match numbers("aof_enabled").min() {
        Some(0) => flaws.push(Flaw::warning(
            "persistence",
            "appendonly is off: a restart forgets marks, and states that were used in the last minutes work once more",
            "set appendonly yes; with appendfsync always, none is lost",
        )),
        Some(_) => well.push(("persistence", "appendonly is on".to_owned())),
        None => {}
    }
    let differences = numbers("server_time_usec")
        .map(|theirs| examined::ahead(before, after, theirs.checked_div(1_000).unwrap_or(0)));
    Examined { well, flaws, ahead: differences.max_by_key(|ahead| ahead.unsigned_abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const WELL: &str = "redis_version:7.0.15\r\nserver_time_usec:1800000000250000\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n\
                        role:master\r\nconnected_slaves:1\r\n";

    fn judged(nodes: &[&str]) -> Examined {
        let at = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        judge(&nodes.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), at, at + Duration::from_millis(500))
    }

    fn flaws(nodes: &[&str]) -> Vec<(&'static str, bool)> {
        judged(nodes).flaws.iter().map(|flaw| (flaw.name, flaw.fatal)).collect()
    }

    #[test]
    fn a_well_kept_server_has_no_flaw_and_every_fact() {
        let examined = judged(&[WELL]);
        assert!(examined.flaws.is_empty() && examined.ahead == Some(0), "{examined:?}");
        let names: Vec<_> = examined.well.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["version", "eviction_policy", "replicas", "persistence"]);
    }

    /// The worst node of a cluster decides: one that forgets, or whose clock is wrong, is hidden by no other.
    #[test]
    fn the_worst_node_counts() {
        let forgets = WELL.replace("aof_enabled:1", "aof_enabled:0");
        assert_eq!(flaws(&[WELL, &forgets]), [("persistence", false)]);
        assert_eq!(flaws(&[WELL, &WELL.replace("noeviction", "allkeys-lru")]), [("eviction_policy", true)]);
        assert_eq!(flaws(&[&WELL.replace("master", "slave")]), [("replica", true)]);
        let slow = WELL.replace("1800000000250000", "1799999900250000");
        assert_eq!(judged(&[WELL, &slow]).ahead, Some(-100_000));
    }

    #[test]
    fn a_server_that_says_nothing_is_not_called_well() {
        let examined = judged(&[]);
        assert!(examined.well.is_empty() && examined.ahead.is_none());
        assert_eq!(flaws(&[]), [("eviction_policy", false)]);
    }
}
