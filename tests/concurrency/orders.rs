//! The guard in memory and the live ring, in every order in which threads may take their steps.
//!
//! Loom sees the locks and the atomics that `src/sync.rs` names, and gives a relaxed load every value that it may have. It does not see into
//! `arc-swap`, for which a lock stands in, nor into the counts of `Arc` and `Weak`. A failure that unwinds through the keys aborts the
//! process: the name of the test stands above it.

mod explore;
mod guard;
mod live_ring;
