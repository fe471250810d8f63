//! Tokens as bytes: the layout, the AEAD, the signature, and the keys that a verifier has. Knows nothing of what a token says.

pub(crate) mod aead;
pub(crate) mod keys;
pub(crate) mod signed;
pub(crate) mod wire;
