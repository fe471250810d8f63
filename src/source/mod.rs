//! Where key rings come from: one document format, read from the environment or from a file.

pub(crate) mod document;
mod env;
mod file;

pub use document::RingError;
