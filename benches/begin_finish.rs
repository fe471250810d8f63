//! One begin and one finish, beside the same work written straight down.
//!
//! `scripts/bench` runs this and writes the ratios into the README.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    reason = "a benchmark is not a library"
)]

mod straight_line;

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use oauth_state::{Binding, Callback, Expect, Flow, Login, testing};
use sha2::{Digest, Sha256};

const SESSION: &[u8] = b"a session id of 24 bytes";

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn session() -> Binding<'static> {
    Binding::session(SESSION).unwrap()
}

/// The ring of `testing`, as its documentation describes the key.
fn keys() -> straight_line::Keys {
    let root = Sha256::digest(b"oauth-state sample key 1").into();
    straight_line::Keys::derive(&root, "login", "shop", "test")
}

fn check(flow: &Flow, state: &str) -> bool {
    let callback = Callback::from_code(state, "code").unwrap();
    flow.check(session(), Expect::provider("github"), callback).is_ok()
}

/// Both must do the same work, or the ratio means nothing.
fn they_open_each_other_s_states(flow: &Flow, keys: &straight_line::Keys) {
    let theirs = straight_line::begin(keys, SESSION, "github", now() as u32);
    assert!(check(flow, &theirs.state), "the crate opens a state that was sealed straight down");
    let ours = flow.begin(session(), Login::at("github")).unwrap();
    let opened = straight_line::finish(keys, SESSION, &ours.state, now()).expect("and the other way round");
    let challenge =
        oauth2::PkceCodeChallenge::from_code_verifier_sha256(&oauth2::PkceCodeVerifier::new(opened.code_verifier));
    assert_eq!((challenge.as_str(), &opened.nonce), (ours.code_challenge.as_str(), &ours.nonce));
    assert_eq!((opened.provider.as_str(), opened.replay_id.len()), ("github", 16));
    assert_eq!((theirs.code_challenge.len(), theirs.nonce.len()), (43, 22));
}

fn login(criterion: &mut Criterion) {
    let (flow, keys) = (testing::flow(), keys());
    they_open_each_other_s_states(&flow, &keys);

    let mut group = criterion.benchmark_group("begin");
    group.bench_function("oauth-state", |bencher| {
        bencher.iter(|| flow.begin(black_box(session()), Login::at(black_box("github"))).unwrap());
    });
    group.bench_function("straight-line", |bencher| {
        bencher.iter(|| straight_line::begin(black_box(&keys), black_box(SESSION), black_box("github"), now() as u32));
    });
    group.finish();

    let begun = flow.begin(session(), Login::at("github")).unwrap();
    let mut group = criterion.benchmark_group("finish");
    group.bench_function("oauth-state", |bencher| {
        bencher.iter(|| {
            let callback = Callback::from_code(black_box(begun.state.as_str()), "code").unwrap();
            flow.check(black_box(session()), Expect::provider("github"), callback).unwrap()
        });
    });
    group.bench_function("straight-line", |bencher| {
        bencher.iter(|| {
            // The crate takes the two strings over as its own; so does this.
            let (state, code) = (black_box(begun.state.as_str()).to_owned(), "code".to_owned());
            (straight_line::finish(black_box(&keys), black_box(SESSION), &state, now()).unwrap(), code)
        });
    });
    let mut forged = begun.state.clone();
    let last = if forged.ends_with('A') { 'E' } else { 'A' };
    forged.replace_range(60..61, &last.to_string());
    group.bench_function("oauth-state, forged", |bencher| {
        bencher.iter(|| {
            let callback = Callback::from_code(black_box(forged.as_str()), "code").unwrap();
            flow.check(black_box(session()), Expect::provider("github"), callback).unwrap_err()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(100).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = login
}
criterion_main!(benches);
