//! A login with this crate compared with the alternatives for carrying it.
//!
//! ```text
//! cargo run --release              # prints tables, and writes ../../target/bench/peers.json
//! cargo run --release -- quick     # fewer turns
//! cargo run --release -- tokens    # one part: floors, tokens or stores
//! ```
//!
//! Rounds alternate, so that drift of the machine cancels; `scripts/bench` writes the figures to `docs/benchmarks.md`.

#![allow(dead_code, reason = "what is shared with the other benchmarks is not all used here")]

mod floors;
mod login;
mod stores;
mod tokens;

use std::hint::black_box;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::bench::rounds::{Contender, Effort, Measured, compare};
use support::bench::shapes::{SESSION, Service, Shape, USUAL};
use support::bench::straight_line::{self, Keys, Libraries};

fn main() -> Result<(), support::servers::Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let quick = has("quick");
    let effort = if quick { Effort { turns: 31, calls: 300 } } else { Effort { turns: 151, calls: 1_000 } };
    let all = !["floors", "tokens", "stores"].iter().any(|part| has(part));
    let service = Service::new();
    let mut report = json!({});
    if all || has("floors") {
        report["floors"] = floors(effort, &service);
    }
    if all || has("tokens") {
        report["tokens"] = tokens(effort, &service);
    }
    if all || has("stores") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        report["stores"] = runtime.block_on(stores::measure(quick))?;
    }
    let target = std::env::var("BENCH_OUT").unwrap_or_else(|_| "../../target/bench".to_owned());
    std::fs::create_dir_all(&target)?;
    std::fs::write(format!("{target}/peers.json"), serde_json::to_string_pretty(&report)?)?;
    Ok(())
}

/// One login start and one callback of a floor, which does the same work as the crate.
fn floor<L: Libraries + 'static>(name: &'static str, service: &Service) -> (Contender<'static>, Contender<'static>) {
    let keys = || Keys::<L>::derive(&Sha256::digest(b"oauth-state sample key 1").into(), "login", "shop", "test");
    let (begins, finishes) = (keys(), keys());
    let state = service.begin(Shape::Usual).state;
    let opened = straight_line::finish(&finishes, SESSION, USUAL, &state, login::now());
    assert_eq!(opened.expect("it opens a state of the crate").return_to.as_deref(), Some(USUAL.return_to));
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    let begun = straight_line::begin(&begins, SESSION, USUAL, login::now() as u32).state;
    assert!(service.finish_text(&waiting, &begun).is_ok(), "and the crate opens its states");
    let begin =
        Contender::new(name, move || straight_line::begin(&begins, SESSION, black_box(USUAL), login::now() as u32));
    let finish = Contender::new(name, move || {
        let (state, code) = (black_box(state.as_str()).to_owned(), "code".to_owned());
        (straight_line::finish(&finishes, SESSION, USUAL, &state, login::now()).unwrap(), code)
    });
    (begin, finish)
}

fn floors(effort: Effort, service: &Service) -> Value {
    let effort = Effort { calls: effort.calls * 2, ..effort };
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    let sides = [
        (
            Contender::new("oauth-state", || service.begin(black_box(Shape::Usual))),
            Contender::new("oauth-state", || service.finish(black_box(&waiting)).unwrap()),
        ),
        floor::<support::bench::rust_crypto::RustCrypto>("the crate's libraries", service),
        floor::<floors::Ring>("ring, base64-simd", service),
        floor::<floors::AwsLc>("aws-lc-rs, base64-simd", service),
    ];
    let (begins, finishes): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
    let (begin, finish) = (compare(effort, begins), compare(effort, finishes));
    println!("\nfloors: nanoseconds and ratio to this crate, begin and finish");
    for (begin, finish) in begin.iter().zip(&finish) {
        println!(
            "{:<26} {:>6.0} {:>5.2} {:>8.0} {:>5.2}",
            begin.name, begin.nanoseconds, begin.ratio, finish.nanoseconds, finish.ratio
        );
    }
    json!({ "begin": begin, "finish": finish })
}

fn tokens(effort: Effort, service: &Service) -> Value {
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    let tokens = tokens::all();
    let begin = |token: &dyn tokens::Token| {
        let (carried, code_challenge) = login::begin();
        login::Sent { state: token.seal(&carried), code_challenge, nonce: carried.nonce }
    };
    let finish =
        |token: &dyn tokens::Token, text: &str| token.open(text).and_then(login::finish).expect("its own login");
    let mut begins = vec![Contender::new("oauth-state", || service.begin(black_box(Shape::Usual)))];
    let mut finishes = vec![Contender::new("oauth-state", || service.finish(black_box(&waiting)).unwrap())];
    let mut characters = vec![waiting.state.len()];
    for (name, token) in &tokens {
        let token = &**token;
        let sent = begin(token);
        let mut changed = sent.state.clone();
        let middle = changed.len() / 2;
        let other = if &changed[middle..=middle] == "A" { "B" } else { "A" };
        changed.replace_range(middle..=middle, other);
        assert!(token.open(&changed).is_none(), "{name} accepts a changed text");
        let text = sent.state;
        characters.push(text.len());
        begins.push(Contender::new(*name, move || begin(token)));
        finishes.push(Contender::new(*name, move || (finish(token, black_box(&text)), "code".to_owned())));
    }
    let (begin, finish) = (compare(effort, begins), compare(effort, finishes));
    println!("\ntokens: begin and finish, nanoseconds and ratio to this crate; characters");
    let rows = begin.iter().zip(&finish).zip(characters);
    let rows: Vec<Value> = rows.map(|((begin, finish), characters)| row(begin, finish, characters)).collect();
    json!(rows)
}

fn row(begin: &Measured, finish: &Measured, characters: usize) -> Value {
    println!(
        "{:<40} {:>6.0} {:>6.2} {:>8.0} {:>6.2} {characters:>6}",
        begin.name, begin.nanoseconds, begin.ratio, finish.nanoseconds, finish.ratio
    );
    json!({ "name": begin.name, "begin": begin, "finish": finish, "characters": characters })
}
