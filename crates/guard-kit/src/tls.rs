//! TLS by `rustls`, which needs a cryptography provider.

/// Installs `ring` as the process's provider, unless the application installed one. Without a provider, `rustls` panics
/// at the first connection.
pub fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may be first; its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
