//! The checksum that Secret Manager sends with a payload: CRC-32C (Castagnoli), RFC 3720 appendix B.4.

/// Bit by bit: a document has at most 64 KiB, and is read once a minute.
pub(crate) fn crc32c(data: &[u8]) -> i64 {
    let sum = data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let polynomial = if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            (sum >> 1) ^ polynomial
        })
    });
    i64::from(!sum)
}

#[cfg(test)]
mod tests;
