use super::*;
use std::time::{Duration, UNIX_EPOCH};

const WELL: &str = "redis_version:7.0.15\r\nserver_time_usec:1800000000250000\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n\
                    role:master\r\nconnected_slaves:1\r\n";

fn judged(nodes: &[&str]) -> Examined {
    let at = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let nodes: Vec<_> = nodes.iter().map(|text| (*text).to_owned()).collect();
    judge(&nodes, OnEvictingServer::Refuse, at, at + Duration::from_millis(500))
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

/// The worst node of a cluster counts: no other node hides one that loses marks or has a wrong clock.
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
fn a_server_that_reports_nothing_is_not_called_healthy() {
    let examined = judged(&[]);
    assert!(examined.well.is_empty() && examined.ahead.is_none());
    assert_eq!(flaws(&[]), [("eviction_policy", false)]);
}

/// A server that is nearly full must not be called healthy: it refuses callbacks soon.
#[test]
fn a_limit_that_is_nearly_reached_is_warned_of() {
    let memory = |used: u64| format!("{WELL}used_memory:{used}\r\nmaxmemory:1000\r\n");
    assert_eq!(flaws(&[&memory(899)]), []);
    assert_eq!(flaws(&[&memory(900)]), [("memory", false)]);
    let connections = format!("{WELL}connected_clients:9990\r\nmaxclients:10000\r\n");
    assert_eq!(flaws(&[WELL, &connections]), [("connections", false)]);
    // No limit.
    assert_eq!(flaws(&[&format!("{WELL}used_memory:5\r\nmaxmemory:0\r\n")]), []);
}
