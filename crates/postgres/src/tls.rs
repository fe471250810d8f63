//! TLS to Postgres.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use oauth_state::guard::GuardError;
use oauth_state_guard_kit::choose_crypto_provider;

/// Trusts the given certificates (PEM), or the operating system's. The server's name and certificate are always
/// verified.
pub(super) fn connector(root_certificates: Option<&[u8]>) -> Result<MakeRustlsConnect, GuardError> {
    choose_crypto_provider();
    let mut roots = RootCertStore::empty();
    match root_certificates {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(GuardError::misconfigured)?;
                roots.add(certificate).map_err(GuardError::misconfigured)?;
            }
        }
        // A certificate that cannot be parsed is skipped, as in other clients.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(GuardError::misconfigured(
            "no root certificates found: use root_certificates(), or install the operating system's (ca-certificates)",
        ));
    }
    let config = ClientConfig::builder().with_root_certificates(Arc::new(roots)).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
