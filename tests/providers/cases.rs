//! The table of cases.

use std::sync::Arc;

use support::harness::{self, Run};

use crate::stores::{Kind, Servers};
use crate::{cleanup, deploy, garbage, keys, migration, outages, rights, suite, trial};

type Case = harness::Case<Arc<Servers>>;

pub fn all(full: bool) -> Vec<Case> {
    type OfOneStore = (&'static str, fn(Kind, Arc<Servers>) -> Run);
    let of_each: &[OfOneStore] = &[
        ("issued, consumed once", |kind, servers| Box::pin(suite::once(kind, servers))),
        ("another's callback is refused and costs the owner nothing", |kind, servers| {
            Box::pin(suite::refusals(kind, servers))
        }),
        ("expires to the second, by every clock within the skew", |kind, servers| {
            Box::pin(suite::expiry(kind, servers))
        }),
        ("a server that was started later finishes it", |kind, servers| Box::pin(suite::restart(kind, servers))),
        ("a race of 16 tasks for 5,000 states", |kind, servers| Box::pin(suite::race(kind, servers))),
        ("texts that are no state of its own", |kind, servers| Box::pin(garbage::texts(kind, servers))),
        ("the contents of the store and their lifetime", |kind, servers| Box::pin(cleanup::of_each(kind, servers))),
        ("the key is revoked between begin and finish", |kind, servers| Box::pin(keys::revoked(kind, servers))),
        ("the keys rotate between begin and finish", |kind, servers| Box::pin(keys::rotated(kind, servers))),
        ("the data changes shape in the middle of a deploy", |kind, servers| Box::pin(deploy::of_each(kind, servers))),
    ];
    let mut cases = Vec::new();
    for kind in Kind::ALL {
        for (name, run) in of_each {
            cases.push(Case::new(kind.name(), name, move |servers| run(kind, servers)));
        }
    }
    cases.push(Case::new("redis", "rows changed, cut, swapped and removed by hand", garbage::redis_rows));
    cases.push(Case::new("postgres", "rows changed, cut, swapped and removed by hand", garbage::postgres_rows));
    cases.push(Case::new("postgres", "four servers clean up at once while users sign in", cleanup::postgres_at_once));
    cases.push(Case::new("memory", "full: refuses new logins, keeps those in progress", cleanup::memory_full));
    cases.push(Case::new("any", "the key is revoked while the row is read", keys::revoked_while_the_row_is_read));
    cases.push(Case::new("redis", "the least rights (one ACL line)", rights::redis));
    cases.push(Case::new("postgres", "the least rights (the GRANTs of both migrations)", rights::postgres));
    for (store, name, outage) in outages::ALL {
        cases.push(Case::new(store, name, move |servers| outages::run(outage, servers)));
    }
    cases.push(Case::new("all", "trial: servers are killed while users sign in", move |servers| {
        trial::run(full, servers)
    }));
    for (old, name) in migration::ALL {
        cases.push(Case::new("migration", name, move |servers| migration::run(old, full, servers)));
    }
    cases
}
