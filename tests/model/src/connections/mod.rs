//! A second model: connections, which customers add at run time, and mix-up (RFC 9700 section 4.4). H is an honest
//! connection, and the attacker runs A.
//! that the attacker runs.

mod application;
mod parties;
mod properties;
mod protocol;
mod replay;
mod rules;
mod run;
mod sampled;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod trace;
mod variants;

pub use run::{Report, run, variant_names};
