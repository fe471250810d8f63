//! TLS by `rustls`, which has no cryptography of its own until one is chosen.

/// Chooses `ring` for the process, unless the application has chosen already. Without a choice, `rustls` panics at the
/// first connection.
pub fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may be first, with a choice as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
