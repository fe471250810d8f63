//! The resources of a process, from Linux' `/proc`.

/// The usage of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Milliseconds of processor time, in its own code and in the kernel's.
    pub processor: f64,
    /// Bytes in memory.
    pub memory: u64,
}

/// Linux counts in hundredths of a second on every platform that Rust has.
const MILLISECONDS_A_TICK: f64 = 10.0;

/// `None` if the process has ended, or if there is no `/proc`.
pub fn of(process: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may contain anything, and ends with the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<f64>().ok()).sum();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Usage { processor: ticks * MILLISECONDS_A_TICK, memory: kilobytes * 1024 })
}
