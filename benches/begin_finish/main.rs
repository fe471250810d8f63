//! The time of a login start and a callback: five shapes of login, each refusal, rings of several sizes, and the memory
//! guard.
//!
//! ```text
//! cargo bench --bench begin_finish            # with criterion's report in target/criterion
//! cargo bench --bench begin_finish -- refusal # one group
//! ```
//!
//! For ratios to the floor and to other crates see `benches/floor` and `benches/peers`.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::must_use_candidate,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "a benchmark is not a library"
)]

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use oauth_state::ring::RootKey;
use oauth_state::{App, Callback, Expect, Flow, KeyRing, Login, Provider, ReplayGuard, SingleProcessGuard, testing};
use support::bench::shapes::{PROVIDER, Service, Shape, session};

fn begin(criterion: &mut Criterion) {
    let service = Service::new();
    let mut group = criterion.benchmark_group("begin");
    for shape in Shape::ALL {
        group.bench_function(shape.name(), |bencher| bencher.iter(|| service.begin(black_box(shape))));
    }
    group.finish();
}

fn finish(criterion: &mut Criterion) {
    let service = Service::new();
    let mut group = criterion.benchmark_group("finish");
    for shape in Shape::ALL {
        let waiting = service.callback(shape, service.begin(shape));
        group.bench_function(shape.name(), |bencher| {
            bencher.iter(|| service.finish(black_box(&waiting)).unwrap());
        });
    }
    group.finish();
}

fn refusal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refusal");
    for (code, refuse) in support::refusals::all() {
        assert_eq!(refuse().code(), code);
        group.bench_function(code, |bencher| bencher.iter(&refuse));
    }
    group.finish();
}

/// A callback finds its key by the id in the state: in a ring of one key, and in the largest.
fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    for keys in [1, 4, 16] {
        let app = App::new("shop", "test").unwrap();
        let guard = SingleProcessGuard::with_capacity(1_000);
        let flow = Flow::builder(app, ring_of(keys), guard).provider(Provider::github()).build().unwrap();
        let state = flow.begin(session(), Login::with(PROVIDER)).unwrap().state;
        group.bench_function(BenchmarkId::from_parameter(keys), |bencher| {
            bencher.iter(|| {
                let callback = Callback::from_pairs([("code", "code"), ("state", black_box(state.as_str()))]).unwrap();
                flow.check(session(), Expect::provider(PROVIDER), callback).unwrap()
            });
        });
    }
    group.finish();
}

/// The ring after so many rotations, one a day.
fn ring_of(keys: u64) -> KeyRing {
    let day = |back: u64| {
        let when = time::OffsetDateTime::now_utc() - time::Duration::days(i64::try_from(back).unwrap());
        when.replace_nanosecond(0).unwrap().format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let keys: Vec<_> = (0..keys)
        .map(|number| {
            let key = RootKey::generate().unwrap();
            let (published_at, seal_from) = (day(number + 2), day(number + 1));
            serde_json::json!({ "key": key.to_secret_text().expose(), "published_at": published_at, "seal_from": seal_from })
        })
        .collect();
    let document = serde_json::json!({
        "version": 1, "serial": 1, "propagation": 300, "skew": 60, "lifetime_cap": 3600, "keys": keys,
    });
    document.to_string().parse::<KeyRing>().unwrap()
}

/// A claim of a new id, including growth of the tables, and of an existing one.
fn memory_guard(criterion: &mut Criterion) {
    let now = SystemTime::now();
    let mark = |number: u128| {
        // Ids are random: an odd factor spreads the numbers.
        let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        testing::mark(id, [1; 8], now, now + Duration::from_secs(600))
    };
    let mut group = criterion.benchmark_group("memory guard");
    group.bench_function("new", |bencher| {
        let (guard, mut number) = (SingleProcessGuard::with_capacity(usize::MAX / 2), 0);
        let next = || {
            number += 1;
            mark(number)
        };
        bencher.iter_batched(next, |mark| testing::block_on(guard.mark_used(&mark)).unwrap(), BatchSize::SmallInput);
    });
    group.bench_function("used", |bencher| {
        let (guard, mark) = (SingleProcessGuard::with_capacity(10), mark(1));
        testing::block_on(guard.mark_used(&mark)).unwrap();
        bencher.iter(|| testing::block_on(guard.mark_used(black_box(&mark))).unwrap());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    targets = begin, finish, refusal, ring, memory_guard
}
criterion_main!(benches);
