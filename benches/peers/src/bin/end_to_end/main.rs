//! A login over HTTP: login start and callback of the axum routes, compared with handlers that only redirect, with a
//! session in Redis and with a row in Redis.
//!
//! ```text
//! cargo run --release --bin end_to_end                    # prints a table, and writes ../../target/bench/end_to_end.json
//! cargo run --release --bin end_to_end -- quick           # fewer and shorter rounds
//! cargo run --release --bin end_to_end -- sealed session  # these, compared with the handlers that only redirect
//! ```
//!
//! Every contender is a separate server process on a loopback port, one thread on one processor. The load comes from
//! this process, on another processor, which Redis shares if there are only two.

#![allow(dead_code, reason = "`login` is shared with the other benchmarks, and not all of it is used here")]

mod client;
mod contenders;
mod cores;
mod figures;
#[path = "../../login.rs"]
mod login;
mod phases;
mod server;
mod visit;

use std::process::ExitCode;

use support::servers::Failure;
use support::servers::redis::{Engine, RedisServer};
use tokio::runtime::{Builder, Runtime};

use crate::contenders::Contender;
use crate::cores::Cores;
use crate::figures::Figures;
use crate::phases::{CONNECTIONS, Running};

/// The amount of measurement.
#[derive(Clone, Copy)]
struct Effort {
    /// Turns, in each of which every contender has one round.
    turns: usize,
    /// Logins of one round.
    logins: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["serve", name, port, redis] => serve(name, port, redis),
        names => measure(names),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One thread, for the server as for the load.
fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn serve(name: &str, port: &str, redis: &str) -> Result<(), Failure> {
    runtime()?.block_on(server::serve(Contender::named(name)?, port.parse()?, redis))
}

fn measure(words: &[&str]) -> Result<(), Failure> {
    let quick = words.contains(&"quick");
    let effort = if quick { Effort { turns: 9, logins: 800 } } else { Effort { turns: 41, logins: 3_200 } };
    let named = words.iter().filter(|word| **word != "quick").map(|name| Contender::named(name));
    let mut contenders: Vec<Contender> = named.collect::<Result<_, _>>()?;
    if contenders.is_empty() {
        contenders = Contender::ALL.to_vec();
    }
    contenders.retain(|contender| *contender != Contender::Redirect);
    contenders.insert(0, Contender::Redirect);

    let cores = Cores::find();
    // Before the runtime starts, so that every thread of this process inherits it.
    cores.pin_load()?;
    let report = runtime()?.block_on(compare(effort, &contenders, cores))?;
    let target = std::env::var("BENCH_OUT").unwrap_or_else(|_| "../../target/bench".to_owned());
    std::fs::create_dir_all(&target)?;
    std::fs::write(format!("{target}/end_to_end.json"), serde_json::to_string_pretty(&report)?)?;
    Ok(())
}

/// Runs the contenders in turn, so that drift of the machine affects all of them alike.
async fn compare(effort: Effort, contenders: &[Contender], cores: Cores) -> Result<serde_json::Value, Failure> {
    let redis = RedisServer::start(Engine::Redis70, &[]).await?;
    cores.pin_redis(&redis).await?;
    let mut running = Vec::new();
    for contender in contenders {
        running.push(Running::start(*contender, cores, &redis).await?);
    }
    cores.yield_to_redis()?;
    for one in &mut running {
        visit::prove(one).await.map_err(|error| format!("{}: {error}", one.contender.name()))?;
    }
    let mut figures = vec![Figures::default(); running.len()];
    for turn in 0..=effort.turns {
        for position in 0..running.len() {
            let number = (position + turn) % running.len();
            let one = &mut running[number];
            let round = visit::round(one, effort.logins).await;
            let (start, callback) = round.map_err(|error| format!("{}: {error}", one.contender.name()))?;
            // The first turn warms up.
            if turn > 0 {
                figures[number].add(start, callback);
            }
        }
    }
    figures::print(contenders, &figures);
    Ok(serde_json::json!({
        "cores": cores.report(),
        "connections": CONNECTIONS,
        "turns": effort.turns,
        "logins_per_turn": effort.logins,
        "contenders": figures::report(contenders, &figures),
    }))
}
