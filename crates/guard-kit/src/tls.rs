//! TLS by `rustls`: the cryptography provider, certificates from PEM, and the meaning of a failed handshake.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use oauth_state::guard::GuardError;

/// Installs `ring` as the process's provider, unless the application installed one. Without a provider, `rustls` panics
/// at the first connection.
pub fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may be first; its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// The certificates of a PEM text. `what` names the setting in errors, such as `root_certificates`.
///
/// # Errors
///
/// [`Misconfigured`](oauth_state::guard::GuardErrorKind::Misconfigured) if it has no certificate, or one that cannot be
/// read.
pub fn certificates_in(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, GuardError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(GuardError::misconfigured(format!(
            "{what} has no certificate; expected PEM text with -----BEGIN CERTIFICATE-----"
        ))),
        Ok(found) => Ok(found),
        Err(error) => Err(GuardError::misconfigured(format!("{what} is no valid PEM text: {error}"))),
    }
}

/// The private key of a PEM text: PKCS #8, PKCS #1 or SEC 1, not encrypted.
///
/// # Errors
///
/// [`Misconfigured`](oauth_state::guard::GuardErrorKind::Misconfigured) if it has none.
pub fn private_key_in(pem: &[u8], what: &str) -> Result<PrivateKeyDer<'static>, GuardError> {
    // The error is not passed on: it could quote the key.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        GuardError::misconfigured(format!(
            "{what} has no private key; expected PEM text with -----BEGIN PRIVATE KEY-----, not encrypted"
        ))
    })
}

/// The misconfiguration behind an error of a connection, if TLS is its cause: starting the store would not help.
#[must_use]
pub fn tls_fault(error: &(dyn Error + 'static)) -> Option<GuardError> {
    let fault = rustls_error(error)?;
    let (found, remedy) = match fault {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // A bad signature: of an authority with the name of a trusted one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                "an authority that this guard does not trust issued the server's certificate".to_owned(),
                "give the authority's certificate (PEM) as root_certificates",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                format!("the server's certificate is for another name: {fault}"),
                "use a name of the certificate as the address's host, or add this one to the certificate",
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("the server's certificate has expired".to_owned(), "renew it, and check this machine's clock")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                ("the server's certificate is not valid yet".to_owned(), "check this machine's clock")
            }
            _ => (format!("the server's certificate is refused: {fault}"), "replace the server's certificate"),
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError,
        ) => (
            format!("the server wants a client certificate that it trusts: {fault}"),
            "give one with client_certificate(certificate, key)",
        ),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            "the server does not speak TLS on this port".to_owned(),
            "use the server's TLS port, or an address without TLS",
        ),
        _ => (format!("the TLS handshake failed: {fault}"), "check the TLS settings of both sides"),
    };
    Some(GuardError::misconfigured(format!("{found}; {remedy}")))
}

/// The error of `rustls` in a chain of causes. An `io::Error` does not name what it wraps as its source.
fn rustls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return rustls_error(&**shared);
    }
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return rustls_error(wrapped);
    }
    rustls_error(error.source()?)
}

#[cfg(test)]
mod tests;
