//! Two threads beside one: begin and finish, and a loop that touches no memory, for what the machine itself gives.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Amounts;
use crate::shared::rounds::quantile;
use crate::shared::shapes::{Service, Shape};

const TURNS: usize = 7;

/// Calls in that time, of so many threads together.
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

fn one_login(service: &Service) {
    let waiting = service.callback(Shape::Usual, service.begin(Shape::Usual));
    black_box(service.finish(&waiting).unwrap());
}

/// As long as a login, about.
fn arithmetic() {
    let mut value = black_box(1_u64);
    for _ in 0..2_000 {
        value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7);
    }
    black_box(value);
}

pub fn measure(amounts: Amounts) -> Value {
    let service = Service::new();
    let length = Duration::from_secs_f64(amounts.seconds / TURNS as f64);
    let (mut logins, mut loops, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let login = || one_login(&service);
        let of_logins = run(2, length, &login) / run(1, length, &login);
        let of_loops = run(2, length, &arithmetic) / run(1, length, &arithmetic);
        logins.push(of_logins);
        loops.push(of_loops);
        beside.push(of_logins / of_loops);
    }
    let (logins, loops, beside) = (quantile(&logins, 0.5), quantile(&loops, 0.5), quantile(&beside, 0.5));
    println!("\ntwo threads beside one: logins {logins:.2}, a loop {loops:.2}; the one beside the other {beside:.2}");
    json!({ "logins": logins, "loop": loops, "beside": beside })
}
