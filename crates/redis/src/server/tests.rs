use super::*;
use oauth_state::guard::GuardErrorKind;

const INFORMATION: &str = "# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n# Memory\r\n\
                           maxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n";

#[test]
fn fields_are_read_by_their_whole_name() {
    assert_eq!(field(INFORMATION, "role"), Some("master"));
    assert_eq!(field(INFORMATION, "maxmemory_policy"), Some("noeviction"));
    assert_eq!(field(INFORMATION, "maxmemory"), None);
    assert_eq!(version(INFORMATION).as_deref(), Some("valkey 9.1.2"));
}

/// One evicting node of a cluster is enough to lose marks.
#[test]
fn every_node_must_evict_nothing() {
    let nodes = |policies: &[&str]| -> Vec<String> {
        policies.iter().map(|policy| INFORMATION.replace("noeviction", policy)).collect()
    };
    let refused = |information: &[String]| refuse(&flaws(information, OnEvictingServer::Refuse));
    let kind = |policies: &[&str]| refused(&nodes(policies)).map_err(|error| error.kind());
    assert_eq!(kind(&["noeviction", "noeviction"]), Ok(()));
    assert_eq!(kind(&["noeviction", "allkeys-lru"]), Err(GuardErrorKind::Misconfigured));
    assert_eq!(kind(&["volatile-ttl"]), Err(GuardErrorKind::Misconfigured));
    assert!(refuse(&flaws(&nodes(&["allkeys-lru"]), OnEvictingServer::DangerouslyWarn)).is_ok());
}

/// A user without the right to INFO gets a warning; so does a cluster in which one node does not report.
#[test]
fn an_unknown_policy_is_warned_of() {
    for information in [Vec::new(), vec![INFORMATION.to_owned(), String::new()]] {
        let flaws = flaws(&information, OnEvictingServer::Refuse);
        assert!(flaws.iter().all(|flaw| flaw.name == "eviction_policy" && !flaw.fatal) && flaws.len() == 1);
    }
}

#[test]
fn a_replica_is_no_guard() {
    let replica = [INFORMATION.replace("role:master", "role:slave")];
    let flaws = flaws(&replica, OnEvictingServer::DangerouslyWarn);
    assert!(flaws.iter().any(|flaw| flaw.name == "replica" && flaw.fatal));
}

/// The ring's skew must cover the store's clock, by which marks expire.
#[test]
fn the_largest_difference_of_clocks_is_told() {
    let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
    let node = |microseconds: i64| format!("{INFORMATION}server_time_usec:{microseconds}\r\n");
    let nodes = [node(1_800_000_001_000_000), node(1_799_999_000_000_000)];
    assert_eq!(clock_ahead(&nodes, at, at), Some(-1_000_000));
    assert_eq!(clock_ahead(&[INFORMATION.to_owned()], at, at), None);
}
