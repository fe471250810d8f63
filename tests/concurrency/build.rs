//! The `cfg` by which `src/sync.rs` selects loom, set here for this package only. `--cfg loom` on a command line would
//! reach every dependency, and is for users who check a crate that depends on this one.

fn main() {
    println!("cargo::rustc-cfg=oauth_state_under_loom");
    println!("cargo::rerun-if-changed=build.rs");
}
