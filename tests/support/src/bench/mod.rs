//! Shared parts of the benchmarks: the measured logins, the floor for comparison, and alternating rounds.

pub mod rounds;
pub mod rust_crypto;
pub mod shapes;
pub mod straight_line;

/// Writes the measurements to the place where `scripts/bench` looks for them.
pub fn write_report(name: &str, report: &serde_json::Value) {
    let target = std::env::var("CARGO_TARGET_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target").to_owned());
    std::fs::create_dir_all(format!("{target}/bench")).unwrap();
    std::fs::write(format!("{target}/bench/{name}.json"), serde_json::to_string_pretty(report).unwrap()).unwrap();
}
