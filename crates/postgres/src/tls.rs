//! TLS to Postgres.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Tls;
use oauth_state::guard::GuardError;
use oauth_state_guard_kit::{certificates_in, choose_crypto_provider, private_key_in};

/// Certificates for connections: the authorities to trust, and this client's own.
#[derive(Default)]
pub(super) struct Certificates {
    /// `None` for the operating system's.
    pub(super) roots: Option<Pem>,
    /// A certificate chain and its key.
    pub(super) client: Option<(Pem, Pem)>,
}

/// A PEM text, or the file that holds it: it is read for every connection, because it may be replaced.
pub(super) enum Pem {
    Text(Vec<u8>),
    File(&'static str, PathBuf),
}

impl Pem {
    fn read(&self) -> Result<Vec<u8>, GuardError> {
        match self {
            Self::Text(pem) => Ok(pem.clone()),
            Self::File(word, path) => std::fs::read(path).map_err(|error| {
                let path = path.display();
                GuardError::misconfigured(format!("cannot read {word}={path}: {error}; name a PEM file"))
            }),
        }
    }

    fn name(&self, setting: &str) -> String {
        match self {
            Self::Text(_) => setting.to_owned(),
            Self::File(word, path) => format!("{word}={}", path.display()),
        }
    }
}

impl Certificates {
    /// The files of an address.
    pub(super) fn of(tls: Tls) -> Self {
        let file = |word, path| Pem::File(word, path);
        Self {
            roots: tls.root_certificates.map(|path| file("sslrootcert", path)),
            client: tls
                .client_certificate
                .map(|path| file("sslcert", path))
                .zip(tls.client_key.map(|path| file("sslkey", path))),
        }
    }
}

/// Trusts the given authorities, or the operating system's. The server's name and certificate are always verified.
pub(super) fn connector(certificates: &Certificates) -> Result<MakeRustlsConnect, GuardError> {
    choose_crypto_provider();
    let mut roots = RootCertStore::empty();
    match &certificates.roots {
        Some(pem) => {
            for certificate in certificates_in(&pem.read()?, &pem.name("root_certificates"))? {
                roots.add(certificate).map_err(GuardError::misconfigured)?;
            }
        }
        // A certificate that cannot be parsed is skipped, as in other clients.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(GuardError::misconfigured(
            "no root certificates found: use root_certificates() or sslrootcert, or install the operating system's \
             (ca-certificates)",
        ));
    }
    let config = ClientConfig::builder().with_root_certificates(Arc::new(roots));
    let config = match &certificates.client {
        Some((certificate, key)) => {
            let chain = certificates_in(&certificate.read()?, &certificate.name("client_certificate"))?;
            let key = private_key_in(&key.read()?, &key.name("the key of client_certificate"))?;
            let unusable = |error| format!("the client's certificate and its key cannot be used together: {error}");
            config.with_client_auth_cert(chain, key).map_err(|error| GuardError::misconfigured(unusable(error)))?
        }
        None => config.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}
