//! Memory held by logins that start and never finish, as when a robot clicks "sign in".

use serde_json::{Value, json};
use support::bench::shapes::{Service, Shape};

pub fn measure(begun: usize) -> Value {
    let service = Service::new();
    drop(service.begin(Shape::Cookie));
    let resident_before = resident();
    let counted = allocation_counter::measure(|| (0..begun).for_each(|_| drop(service.begin(Shape::Cookie))));
    let (held, most) = (counted.bytes_current, counted.bytes_max);
    let resident = resident_before.zip(resident()).map(|(before, after)| after as i64 - before as i64);
    println!("\n{} logins started and never finished: {held} bytes held, at most {most}; resident {resident:?}", begun);
    json!({ "begun": begun, "bytes_held": held, "bytes_most": most, "resident_change": resident })
}

/// Resident bytes of this process, if the system reports them.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
