//! Two threads compared with one: login start and callback, and loops that share nothing, which show the machine's own
//! gain.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::bench::rounds::quantile;
use support::bench::shapes::{Service, Shape};

use crate::Amounts;

const TURNS: usize = 7;

/// Calls in that time, by so many threads together.
fn run(threads: usize, length: Duration, work: &(impl Fn() + Sync)) -> f64 {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut calls = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        work();
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        running.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>() as f64
    })
}

/// The first in one turn is the second in the next.
fn two_beside_one(turn: usize, length: Duration, work: &(impl Fn() + Sync)) -> f64 {
    if turn % 2 == 0 {
        let two = run(2, length, work);
        two / run(1, length, work)
    } else {
        let one = run(1, length, work);
        run(2, length, work) / one
    }
}

fn one_login(service: &Service) {
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    black_box(service.finish(&waiting).unwrap());
}

/// A chain of multiplications, about as long as a login: it leaves most of a core to a second thread.
fn arithmetic() {
    let mut value = black_box(1_u64);
    for _ in 0..500 {
        value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7);
    }
    black_box(value);
}

/// SHA-256 repeatedly, about as long as a login: it uses a core like a login, and shares nothing.
fn hashing() {
    let mut block = black_box([7_u8; 64]);
    for _ in 0..12 {
        let hash = Sha256::digest(block);
        block[..32].copy_from_slice(&hash);
    }
    black_box(block);
}

pub fn measure(amounts: Amounts) -> Value {
    let service = Service::new();
    let length = Duration::from_secs_f64(amounts.seconds / TURNS as f64);
    let login = || one_login(&service);
    let mut turns = Vec::new();
    for turn in 0..TURNS {
        turns.push([
            two_beside_one(turn, length, &login),
            two_beside_one(turn, length, &hashing),
            two_beside_one(turn, length, &arithmetic),
        ]);
    }
    let median = |of: fn(&[f64; 3]) -> f64| quantile(&turns.iter().map(of).collect::<Vec<_>>(), 0.5);
    let (logins, hashing, arithmetic) = (median(|turn| turn[0]), median(|turn| turn[1]), median(|turn| turn[2]));
    let (beside_hashing, beside_arithmetic) = (median(|turn| turn[0] / turn[1]), median(|turn| turn[0] / turn[2]));
    println!(
        "\ntwo threads compared with one: logins {logins:.2}, hashing {hashing:.2}, arithmetic {arithmetic:.2}; logins compared with them {beside_hashing:.2}, {beside_arithmetic:.2}"
    );
    json!({ "logins": logins, "hashing": hashing, "arithmetic": arithmetic, "beside_hashing": beside_hashing, "beside_arithmetic": beside_arithmetic })
}
