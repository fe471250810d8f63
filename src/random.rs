//! Randomness from the operating system, requested once per call, without any fallback.

use rand::{TryRng, rngs::SysRng};

/// The operating system returned no randomness.
///
/// Then no state is sealed: with a fallback, a nonce could repeat or be guessed.
#[derive(Debug, thiserror::Error)]
#[error("the operating system returned no randomness; try the request again")]
pub struct RandomnessError(#[source] Option<rand::rngs::SysError>);

impl RandomnessError {
    #[cfg(test)]
    pub(crate) fn simulated() -> Self {
        Self(None)
    }
}

/// How a flow gets random bytes. A function, so that tests can count the calls and make them fail.
pub(crate) type Randomness = fn(&mut [u8]) -> Result<(), RandomnessError>;

/// Fills `bytes` with one call to the operating system.
///
/// Not `rand`'s thread generator: it is not reseeded after a fork or when a virtual machine is cloned, so two servers could seal with the
/// same nonce under one key.
pub(crate) fn operating_system(bytes: &mut [u8]) -> Result<(), RandomnessError> {
    SysRng.try_fill_bytes(bytes).map_err(|error| RandomnessError(Some(error)))
}
