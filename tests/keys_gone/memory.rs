//! Searches this process's own memory for secrets, without `unsafe`: the kernel exposes it as a file.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The size of one read.
const CHUNK: usize = 1 << 16;
/// The maximum length of a needle.
const OVERLAP: usize = 64;
/// Needles are masked in memory, or the search would find the needles themselves.
const MASK: u8 = 0xb7;

/// A secret to look for, masked.
#[derive(Clone)]
pub struct Needle {
    pub name: &'static str,
    masked: Vec<u8>,
}

impl Needle {
    /// Reads the bytes one by one, and keeps none of them unmasked.
    pub fn new(name: &'static str, bytes: impl IntoIterator<Item = u8>) -> Self {
        let masked: Vec<u8> = bytes.into_iter().map(|byte| byte ^ MASK).collect();
        assert!((16..=OVERLAP).contains(&masked.len()), "{name} has {} bytes", masked.len());
        Self { name, masked }
    }

    /// From the output of [`Needle::to_hex`].
    pub fn from_hex(name: &'static str, hex: &str) -> Self {
        let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        Self { name, masked: digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect() }
    }

    /// As it is kept: masked.
    pub fn to_hex(&self) -> String {
        self.masked.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn starts(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.masked.len() && bytes.iter().zip(&self.masked).all(|(byte, masked)| byte ^ MASK == *masked)
    }
}

/// The places in which a needle was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Found {
    /// In allocations, in freed memory, and on the stacks of other threads.
    pub heap: usize,
    /// On the stack, including the area below its top that returned functions have used.
    pub stack: usize,
    /// In the variables of the program and its libraries.
    pub statics: usize,
}

/// Searches all memory that this process can write to.
pub fn find(needles: &[Needle]) -> Vec<Found> {
    let mut found = vec![Found::default(); needles.len()];
    let memory = File::open("/proc/self/mem").expect("this process may read its own memory");
    let mut chunk = vec![0; CHUNK + OVERLAP];
    let own = chunk.as_ptr().addr()..chunk.as_ptr().addr() + chunk.len();
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, access) = (words.next().unwrap(), words.next().unwrap());
        let place = words.nth(3).unwrap_or_default();
        if !access.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| usize::from_str_radix(address, 16).unwrap());
        for at in (start..end).step_by(CHUNK) {
            let wanted = chunk.len().min(end - at);
            // A page that does not exist cannot be read, and holds nothing.
            let Ok(length) = memory.read_at(&mut chunk[..wanted], at as u64) else { continue };
            for (needle, found) in needles.iter().zip(&mut found) {
                let first = needle.masked[0] ^ MASK;
                for offset in 0..length.min(CHUNK) {
                    if chunk[offset] != first || own.contains(&(at + offset)) || !needle.starts(&chunk[offset..length])
                    {
                        continue;
                    }
                    match place {
                        "[stack]" => found.stack += 1,
                        _ if place.starts_with('/') => found.statics += 1,
                        _ => found.heap += 1,
                    }
                }
            }
            chunk.fill(0);
        }
    }
    found
}
