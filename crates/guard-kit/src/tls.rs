//! TLS by `rustls`, which needs a provider of cryptography.

/// Installs `ring` as the process's provider, unless the application has installed one. Without a provider, `rustls`
/// panics at the first connection.
pub fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may be first, with a choice as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
