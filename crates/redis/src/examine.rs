//! Everything about a server that a guard depends on, for `oauth-state doctor`.

use std::time::SystemTime;

use super::OnEvictingServer;
use super::connection::{Opened, RedisStore};
use super::server::{clock_ahead, field, flaws, try_to_claim, version};
use oauth_state::guard::{GuardError, GuardErrorKind};
use oauth_state_guard_kit::{Examined, Flaw, not_encrypted, replicas, with_cause};

/// Checks a server, or every primary of a cluster.
pub(super) async fn examine(stores: &[&RedisStore]) -> Result<Examined, GuardError> {
    let (mut opened, mut unreachable) = (Vec::new(), Vec::new());
    for store in stores {
        match store.open().await {
            Ok(one) => opened.push((*store, one)),
            Err(error) => unreachable.push(error),
        }
    }
    let Some((first, _)) = opened.first() else {
        return Err(unreachable.pop().unwrap_or_else(|| GuardError::unavailable("the cluster has no primary")));
    };
    let (evicting, prefix) = (first.settings.evicting, first.settings.prefix.clone());
    let in_plaintext = first.unencrypted().map(|host| not_encrypted(host, "use a rediss:// address"));
    // A node that does not answer INFO does not report its policy, and must not be skipped.
    let information: Vec<String> = match opened.as_slice() {
        [(_, one)] => one.information.clone(),
        several => several.iter().map(|(_, one)| one.information.concat()).collect(),
    };
    let before = opened.iter().map(|(_, one)| one.asked.0).min().unwrap_or(SystemTime::UNIX_EPOCH);
    let after = opened.iter().map(|(_, one)| one.asked.1).max().unwrap_or(SystemTime::UNIX_EPOCH);
    let mut examined = judge(&information, evicting, before, after);
    examined.kept_in.push(("prefix", prefix));
    examined.flaws.extend(in_plaintext);
    for error in unreachable {
        let remedy = "start it, or remove it from the cluster: callbacks of its slots are refused";
        examined.flaws.push(Flaw::fatal("node", with_cause(&error), remedy));
    }
    if !examined.flaws.iter().any(|flaw| flaw.name == "replica") {
        match trials(&mut opened).await {
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

async fn trials(opened: &mut [(&RedisStore, Opened)]) -> Result<(), GuardError> {
    for (store, opened) in opened {
        if let Some(key) = store.trial_key()? {
            try_to_claim(&mut opened.connection, &key).await?;
        }
    }
    Ok(())
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
    for text in information {
        let memory = Room { name: "memory", what: "bytes of maxmemory", remedy: "raise maxmemory" };
        memory.judge(text, "used_memory", "maxmemory", &mut well, &mut flaws);
        let remedy = "raise maxclients, or close idle connections";
        let connections = Room { name: "connections", what: "connections of maxclients", remedy };
        connections.judge(text, "connected_clients", "maxclients", &mut well, &mut flaws);
    }
    Examined { well, flaws, kept_in: Vec::new(), ahead: clock_ahead(information, before, after) }
}

/// A limit of the server.
struct Room {
    name: &'static str,
    what: &'static str,
    remedy: &'static str,
}

impl Room {
    /// A warning when nine tenths of the limit are used. A limit of 0 is none.
    fn judge(
        self,
        information: &str,
        used: &str,
        most: &str,
        well: &mut Vec<(&'static str, String)>,
        flaws: &mut Vec<Flaw>,
    ) {
        let number = |name| field(information, name).and_then(|number| number.parse::<u64>().ok());
        let (Some(used), Some(most @ 1..)) = (number(used), number(most)) else { return };
        let found = format!("{used} of {most} {} are used", self.what);
        if used >= most.saturating_sub(most / 10) {
            flaws.push(Flaw::warning(self.name, format!("{found}: a full server refuses callbacks"), self.remedy));
        } else {
            well.push((self.name, found));
        }
    }
}

#[cfg(test)]
mod tests;
