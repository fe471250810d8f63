//! The table of cases.

use support::harness::{self, Run};
use support::servers::postgres::{self, Engine as Postgres};
use support::servers::redis::Engine;

use crate::cluster_faults::{self, Fault as Gone};
use crate::{
    doctor, fleet_faults, logs, overload, pooler, postgres_environments, postgres_faults, postgres_limits,
    postgres_setup, postgres_stalls, redis_environments, redis_faults, redis_memory, redis_setup, suites,
};

/// The cases share nothing: each starts its own servers.
type Case = harness::Case<()>;

pub fn all() -> Vec<Case> {
    const ENGINES: [Engine; 5] = [Engine::Redis70, Engine::Redis8, Engine::Valkey9, Engine::Valkey8, Engine::Redis62];
    let mut cases = Vec::new();
    for engine in ENGINES {
        let case =
            Case::new(engine.name(), "the suite: a race of 16 threads for 5,000 ids", move |()| suites::redis(engine));
        cases.push(if engine == Engine::Valkey8 { case.with_full_alone() } else { case });
    }
    cases.push(Case::new("redis 7.0", "the suite, over TLS", |()| suites::redis_over_tls()));
    cases.push(Case::new("redis 7.0", "the suite, as a user with the least rights", |()| suites::redis_least_rights()));
    cases.push(Case::new("redis 7.0", "the suite, over connections of the caller's own", |()| {
        suites::redis_own_connection()
    }));
    cases.push(Case::new("redis 7.0", "the suite, behind a cache of known uses", |()| suites::redis_behind_a_cache()));
    cases.push(Case::new("sentinel", "the suite", |()| suites::sentinel()));
    cases.push(Case::new("cluster", "the suite", |()| suites::cluster()));
    cases.push(Case::new("postgres", "the suite", |()| suites::postgres()));
    // The case of the TLS words claims over TLS as well.
    cases.push(Case::new("postgres", "the suite, over TLS", |()| suites::postgres_over_tls()).with_full_alone());

    // Each fault runs on one engine, and on all of them with --full.
    type Fault = (&'static str, fn(Engine) -> Run);
    let faults: &[Fault] = &[
        ("killed (-9) under 64 callers, restarted with all it persisted", |engine| {
            Box::pin(redis_faults::killed_with_persistence(engine))
        }),
        ("window 2: killed (-9), restarted without persistence", |engine| {
            Box::pin(redis_faults::killed_without_persistence(engine))
        }),
        ("stopped (SIGSTOP) under 64 callers, then let go on", |engine| Box::pin(redis_faults::stopped(engine))),
        ("down for two seconds under 64 callers: no reconnect storm", |engine| {
            Box::pin(redis_faults::down_without_a_storm(engine))
        }),
        ("the reply is lost after the write", |engine| Box::pin(redis_faults::reply_lost(engine))),
        ("the connection is reset mid-pipeline", |engine| Box::pin(redis_faults::reset_mid_pipeline(engine))),
        ("cancelled while the answer was on its way", |engine| Box::pin(redis_faults::cancelled_mid_call(engine))),
        ("too few replicas (NOREPLICAS)", |engine| Box::pin(redis_faults::no_replicas(engine))),
        ("window 1: wiped (FLUSHALL)", |engine| Box::pin(redis_memory::wiped(engine))),
        ("full under noeviction: stays closed, loses no honest mark", |engine| Box::pin(redis_memory::full(engine))),
        ("window 4: out of memory under allkeys-lru, after the warning", |engine| {
            Box::pin(redis_memory::evicting(engine))
        }),
        ("what it keeps: one short printable key, for as long as it must", |engine| {
            Box::pin(redis_setup::what_is_kept(engine))
        }),
        ("the doctor tells what cannot serve from what can", |engine| Box::pin(doctor::redis(engine))),
    ];
    for engine in ENGINES {
        for (name, fault) in faults {
            let case = Case::new(engine.name(), name, move |()| fault(engine));
            cases.push(if engine == Engine::Redis70 { case } else { case.with_full_alone() });
        }
    }
    cases.push(Case::new("redis", "replaced by 6.2 and back while it serves", |()| {
        redis_setup::replaced_by_an_older_one()
    }));
    cases.push(Case::new("redis 7.0", "the policy is looked at again after a reconnection", |()| {
        redis_setup::policy_changed()
    }));
    cases.push(Case::new("redis 7.0", "what cannot serve is refused with what to do", |()| redis_setup::refused()));
    cases.push(Case::new("redis 7.0", "a hammered duplicate costs no round trip behind the cache", |()| {
        redis_setup::cached()
    }));
    cases.push(Case::new("redis 7.0", "fails open only where that was asked for, and counts", |()| {
        redis_setup::fails_open()
    }));
    cases.push(Case::new("redis 7.0", "a server, or a proxy, that knows no INFO", |()| {
        redis_environments::without_info()
    }));
    cases.push(Case::new("redis 7.0", "client certificates, and what TLS refuses", |()| redis_environments::tls()));
    cases.push(Case::new("redis 7.0", "credentials that change", |()| redis_environments::credentials_that_change()));
    cases.push(Case::new("redis 7.0", "over a Unix socket", |()| redis_environments::over_a_socket()));
    cases.push(Case::new("redis 7.0", "refusals are logged, once for each cause", |()| {
        redis_environments::refusals_are_logged()
    }));
    cases.push(Case::new("redis 7.0", "window 3: a promoted replica that lacks the last writes", |()| {
        fleet_faults::promoted_replica()
    }));
    cases.push(Case::new("redis 7.0", "the primary is demoted under open connections (READONLY)", |()| {
        fleet_faults::demoted()
    }));
    cases.push(Case::new("sentinel", "primary killed (-9) under 64 callers", |()| fleet_faults::sentinel_failover()));
    cases.push(Case::new("cluster", "a primary killed (-9) under 64 callers", |()| fleet_faults::cluster_failover()));
    cases.push(Case::new("cluster", "a primary killed (-9): the slots of the others are served throughout", |()| {
        cluster_faults::one_primary_gone(Gone::Killed)
    }));
    cases.push(Case::new(
        "cluster",
        "a primary stopped (SIGSTOP): the slots of the others are served throughout",
        |()| cluster_faults::one_primary_gone(Gone::Stopped),
    ));
    cases.push(Case::new("cluster", "a primary killed (-9), over a cluster connection of the caller's own", |()| {
        cluster_faults::over_a_connection_of_the_callers_own()
    }));
    cases.push(Case::new("cluster", "slots migrate while claims run", |()| cluster_faults::slots_migrate()));
    cases.push(Case::new("cluster", "started while a primary is down", |()| {
        cluster_faults::started_while_one_is_down()
    }));

    cases.push(Case::new("postgres", "killed (-9) under 64 callers, restarted", |()| postgres_faults::killed()));
    cases.push(Case::new("postgres", "window 2: killed (-9) under synchronous_commit_off", |()| {
        postgres_faults::killed_relaxed()
    }));
    cases.push(Case::new("postgres", "stopped (SIGSTOP) under 64 callers, then let go on", |()| {
        postgres_faults::stopped()
    }));
    cases.push(Case::new("postgres", "the reply is lost after the commit", |()| postgres_faults::reply_lost()));
    cases.push(Case::new("postgres", "the connection is reset mid-pipeline", |()| {
        postgres_faults::reset_mid_pipeline()
    }));
    cases.push(Case::new("postgres", "failed over to a read-only server, and back", |()| postgres_faults::read_only()));
    cases.push(Case::new("postgres", "window 3: a promoted replica that lacks the last commits", |()| {
        postgres_faults::promoted_replica()
    }));
    cases.push(Case::new("postgres", "window 1: wiped (TRUNCATE)", |()| postgres_faults::wiped()));
    cases.push(Case::new("postgres", "a lock is held", |()| postgres_faults::lock_held()));
    cases.push(Case::new("postgres", "the purger is stopped between its decision and its truncation", |()| {
        postgres_setup::purger_stopped()
    }));
    cases.push(Case::new("postgres", "four purgers at once, under 64 callers", |()| postgres_setup::purgers_at_once()));
    cases.push(Case::new("postgres", "what cannot serve is refused with what to do", |()| postgres_setup::refused()));
    cases.push(Case::new("postgres", "the doctor tells what cannot serve from what can", |()| doctor::postgres()));
    cases.push(Case::new("postgres", "the TLS words of an address, and what TLS refuses", |()| {
        postgres_environments::tls()
    }));
    cases.push(Case::new("postgres", "credentials that change", |()| postgres_environments::credentials_that_change()));
    cases.push(Case::new("postgres", "over a Unix socket", |()| postgres_environments::over_a_socket()));
    cases.push(Case::new("postgres", "the trial claim finds what claims would meet", |()| {
        postgres_environments::trial()
    }));
    cases.push(Case::new("postgres", "the purger goes on after its runtime ended", |()| {
        postgres_environments::purger_survives()
    }));
    cases.push(Case::new("postgres", "one connection is stuck (SIGSTOP)", |()| postgres_limits::stuck_connection()));
    cases.push(Case::new("postgres", "the disk is full", |()| postgres_limits::full_disk()));
    cases.push(Case::new("postgres", "max_connections is reached", |()| postgres_limits::max_connections()));
    cases.push(Case::new("postgres", "VACUUM FULL of a partition", |()| postgres_limits::vacuum_full()));
    cases.push(Case::new("postgres", "every connection is stuck (SIGSTOP)", |()| postgres_stalls::all_stuck()));
    cases.push(Case::new("postgres", "the first of two hosts hangs (SIGSTOP)", |()| postgres_stalls::one_host_hangs()));
    cases.push(Case::new("postgres", "the runtimes of callers end", |()| postgres_stalls::runtimes_end()));
    cases.push(Case::new("postgres", "the purger is started again by a call", |()| {
        postgres_stalls::purger_is_restarted_by_a_call()
    }));
    cases.push(Case::new("pgbouncer", "the suite, in transaction mode", |()| pooler::suite()));
    cases.push(Case::new("pgbouncer", "statement mode", |()| pooler::statement_mode()));
    cases.push(Case::new("pgbouncer", "another client of the pooler sees no setting of the guard's", |()| {
        pooler::other_clients_see_no_setting()
    }));
    cases.push(Case::new("pgbouncer", "the claim's settings hold, whatever the role's are", |()| {
        pooler::settings_of_the_claim_hold()
    }));
    cases.push(Case::new("pgbouncer", "killed (-9) under 64 callers, restarted", |()| pooler::killed()));
    cases.push(Case::new("redis 7.0", "a flood over a slow connection opens nothing", |()| overload::redis_slow()));
    cases.push(Case::new("redis 7.0", "twice the load that a process can take", |()| {
        overload::redis_at_twice_its_load()
    }));
    cases.push(Case::new("redis 7.0", "a flood over a stalled connection", |()| overload::redis_stalled()));
    cases
        .push(Case::new("postgres", "a flood over two slow connections opens nothing", |()| overload::postgres_slow()));
    cases.push(Case::new("postgres", "a flood over two stalled connections", |()| overload::postgres_stalled()));
    cases.push(Case::new("postgres", "a flood while a lock is held opens nothing", |()| overload::postgres_locked()));
    // The suite on the newest Postgres as well, and each fault with --full. It comes without `pg_basebackup`, which makes the replicas of two
    // cases.
    let newest = Postgres::Postgres18;
    let of_the_newest: Vec<_> = cases
        .iter()
        .filter(|case| case.is_on(Postgres::Debian.name()) && !case.holds("replica") && !case.holds("doctor"))
        .map(|case| case.on(newest.name(), "the suite", move |run| postgres::on(newest, run)))
        .collect();
    cases.extend(of_the_newest);
    cases.push(Case::new("all", "no log line of all the above holds a password, a URL or a key", |()| {
        logs::hold_no_secret()
    }));
    cases
}
