//! Randomness of the operating system, asked for once per call, and never replaced by anything else.

use rand::{TryRng, rngs::SysRng};

/// The operating system gave no randomness.
///
/// Nothing is sealed then: a state drawn from a fallback could repeat a nonce, or be guessed.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness; the request can be tried again")]
pub struct RandomnessError(#[source] Option<rand::rngs::SysError>);

impl RandomnessError {
    #[cfg(test)]
    pub(crate) fn simulated() -> Self {
        Self(None)
    }
}

/// How a flow asks for random bytes; a function of its own, so that tests can count the calls and let them fail.
pub(crate) type Randomness = fn(&mut [u8]) -> Result<(), RandomnessError>;

/// Fills `bytes` with one call to the operating system.
///
/// Not `rand`'s thread generator: that one is not reseeded after a fork or when a virtual machine is cloned, so that
/// two servers could seal with one nonce under one key.
pub(crate) fn operating_system(bytes: &mut [u8]) -> Result<(), RandomnessError> {
    SysRng.try_fill_bytes(bytes).map_err(|error| RandomnessError(Some(error)))
}
