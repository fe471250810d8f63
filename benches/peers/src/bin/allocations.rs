//! Each peer's allocations for one login: a separate program, because counting slows the measured code.

#![allow(dead_code, reason = "what is shared with the other benchmarks is not all used here")]

#[path = "../login.rs"]
mod login;
#[path = "../tokens.rs"]
mod tokens;

use serde_json::{Value, json};
use support::bench::shapes::{Service, Shape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::new();
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    let ours = (count(|| service.begin(Shape::Usual)), count(|| service.finish(&waiting).unwrap()));
    let mut rows = vec![row("oauth-state", ours)];
    for (name, token) in tokens::all() {
        let begin = || {
            let (carried, code_challenge) = login::begin();
            login::Sent { state: token.seal(&carried), code_challenge, nonce: carried.nonce }
        };
        let text = begin().state;
        let finish = || (token.open(&text).and_then(login::finish).expect("its own login"), "code".to_owned());
        rows.push(row(name, (count(begin), count(finish))));
    }
    let target = std::env::var("BENCH_OUT").unwrap_or_else(|_| "../../target/bench".to_owned());
    std::fs::create_dir_all(&target)?;
    std::fs::write(format!("{target}/peers-allocations.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// Measures the second call: one-time allocations of the process are not part of a login's cost.
fn count<R>(mut work: impl FnMut() -> R) -> u64 {
    drop(work());
    let mut result = None;
    allocation_counter::measure(|| result = Some(work())).count_total
}

fn row(name: &str, (begin, finish): (u64, u64)) -> Value {
    println!("{name:<40} {begin:>4} {finish:>4}");
    json!({ "name": name, "begin": begin, "finish": finish })
}
