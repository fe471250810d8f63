//! How many thread orders are explored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a thread that could continue may be interrupted, in one order.
#[derive(Clone, Copy, Debug)]
pub enum Preemptions {
    /// Every order.
    Any,
    /// For models with millions of orders. Each deliberate fault shows with one or two interruptions.
    AtMost(usize),
}

/// Runs `threads` in every order up to the bound, and prints the number of orders.
pub fn explore(name: &str, preemptions: Preemptions, threads: impl Fn() + Send + Sync + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = match preemptions {
        Preemptions::Any => None,
        Preemptions::AtMost(number) => Some(number),
    };
    // Ignore limits from the environment.
    (model.max_permutations, model.max_duration, model.checkpoint_file) = (None, None, None);
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        threads();
    });
    let runs = runs.load(Ordering::Relaxed);
    assert!(runs > 1, "{name}: only one order found: the checker does not see the threads");
    println!("{name}: {runs} orders, {preemptions:?} preemptions");
}
