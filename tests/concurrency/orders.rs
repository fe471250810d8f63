//! The memory guard and the live ring, in every order in which threads may run.
//!
//! Loom sees the locks and atomics in `src/sync.rs`, and gives a relaxed load every possible value. It does not see
//! `arc-swap`, which a lock replaces, nor the counts of `Arc` and `Weak`. A failure that unwinds through the keys
//! aborts the process: the test's name is printed above it.

mod explore;
mod guard;
mod live_ring;
