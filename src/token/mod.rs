//! Tokens as bytes: the layout, the AEAD, and the keys that a verifier has. Knows nothing of what a token says.

pub(crate) mod aead;
pub(crate) mod keys;
pub(crate) mod wire;
