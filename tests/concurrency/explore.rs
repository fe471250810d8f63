//! How far the orders of threads are explored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a thread may be interrupted that could go on, in one order.
#[derive(Clone, Copy, Debug)]
pub enum Preemptions {
    /// Every order there is.
    Any,
    /// For models of millions of orders. Each fault that was put in on purpose shows with one or two.
    AtMost(usize),
}

/// Runs `threads` in every order up to the bound, and says how many there were.
pub fn explore(name: &str, preemptions: Preemptions, threads: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = match preemptions {
        Preemptions::Any => None,
        Preemptions::AtMost(number) => Some(number),
    };
    // Whatever the environment says, nothing is cut short.
    (model.max_permutations, model.max_duration, model.checkpoint_file) = (None, None, None);
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        threads();
    });
    let runs = runs.load(Ordering::Relaxed);
    assert!(runs > 1, "{name}: only one order was found: the checker does not see the threads");
    println!("{name}: {runs} orders, {preemptions:?} preemptions");
}
