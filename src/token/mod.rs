//! Tokens as bytes: the layout, the AEAD, the signature, and a verifier's keys. A token's contents are unknown here.

pub(crate) mod aead;
pub(crate) mod keys;
pub(crate) mod signed;
pub(crate) mod wire;
