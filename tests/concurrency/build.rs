//! The `cfg` by which `src/sync.rs` names loom: set here for this package alone. `--cfg loom` on a command line reaches every dependency, and
//! belongs to whoever checks a crate that uses this one.

fn main() {
    println!("cargo::rustc-cfg=oauth_state_under_loom");
    println!("cargo::rerun-if-changed=build.rs");
}
