//! How an exchange of a code ended.

/// The provider's answer to the exchange.
pub enum Exchanged {
    /// This user signed in.
    Subject(String),
    /// The provider refused the code, with this error (RFC 6749 section 5.2).
    Refused(String),
    /// The provider failed: a word for programs, a sentence for users.
    Failed(&'static str, &'static str),
}
