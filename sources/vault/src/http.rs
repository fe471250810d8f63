//! One request, one response.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{AGE, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oauth_state::ring::SecretString;
use oauth_state::ring::source::{SourceError, SourceErrorKind};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::address::Address;

const CONNECT: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(5);
/// The engine itself accepts no secret above one megabyte.
const LONGEST: usize = 1 << 20;

/// Bytes that are zeroized after they were sent.
pub(crate) type Body = Bytes;

/// The server's response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// The server's clock; `None` if a cache answered for it.
    pub(crate) date: Option<SystemTime>,
}

/// A client of one server.
pub(crate) struct Http {
    /// The source's name in errors.
    pub(crate) name: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Body>>,
    base: String,
    namespace: Option<HeaderValue>,
}

impl Http {
    pub(crate) fn new(
        name: &str,
        address: &Address,
        namespace: Option<&str>,
        certificates: Option<&[u8]>,
    ) -> Result<Self, SourceError> {
        let wrong = |answer: &str| SourceError::new(name, SourceErrorKind::Misconfigured, answer);
        let namespace = namespace.map(HeaderValue::from_str).transpose();
        let namespace = namespace.map_err(|_| wrong("the namespace has characters that are invalid in a header"))?;
        let roots = match certificates {
            Some(pem) => given(pem).ok_or_else(|| wrong("the CA certificates are not PEM"))?,
            // Not needed without encryption.
            None if !address.encrypted => RootCertStore::empty(),
            None => of_the_operating_system(),
        };
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        // One request a minute: the server would usually have closed a kept connection meanwhile.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector.wrap_connector(tcp));
        Ok(Self { name: name.to_owned(), client, base: format!("{}/v1/", address.text), namespace })
    }

    /// Sends a request below `/v1/`. A response of any status is a result; without a response, the error is
    /// [`SourceErrorKind::Unavailable`].
    pub(crate) async fn send(
        &self,
        method: &'static str,
        path: &str,
        token: Option<&SecretString>,
        body: Option<Body>,
    ) -> Result<Answer, SourceError> {
        let wrong = |answer: &str| SourceError::new(&self.name, SourceErrorKind::Misconfigured, answer);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        // An agent can be configured to refuse requests without this header, which an attacker could make a browser
        // send.
        request = request.header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(token) = token {
            let value = HeaderValue::from_str(token.expose());
            let mut value = value.map_err(|_| wrong("the token has invalid characters"))?;
            value.set_sensitive(true);
            request = request.header("X-Vault-Token", value);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default())).map_err(|error| wrong(&error.to_string()))?;
        match tokio::time::timeout(CALL, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.unavailable(&format!("no answer within {CALL:?}"))),
        }
    }

    async fn exchange(&self, request: Request<Full<Body>>) -> Result<Answer, SourceError> {
        let response = self.client.request(request).await.map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        let date = date_of(response.headers());
        let mut incoming = response.into_body();
        let mut body = Zeroizing::new(Vec::with_capacity(1 << 14));
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| self.failed(&error))?;
            let Some(part) = frame.data_ref() else { continue };
            if part.len() > LONGEST.saturating_sub(body.len()) {
                return Err(self.unavailable(&format!("{status} with a response of more than {LONGEST} bytes")));
            }
            append(&mut body, part);
        }
        Ok(Answer { status, body, date })
    }

    fn unavailable(&self, answer: &str) -> SourceError {
        SourceError::new(&self.name, SourceErrorKind::Unavailable, answer)
    }

    /// The messages of an error and of its causes; none of them contains a header or a body.
    fn failed(&self, error: &(dyn Error + 'static)) -> SourceError {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let _ = write!(text, ": {cause}");
            next = cause.source();
        }
        if text.contains("certificate") {
            return SourceError::new(&self.name, SourceErrorKind::Misconfigured, text).with_remedy(
                "provide the certificate of the authority that signed the server's (ca_certificates, VAULT_CACERT), and use the host name in it",
            );
        }
        self.unavailable(&text)
    }
}

/// A cache sends the `Date` of the response that it kept, and its `Age`.
fn date_of(headers: &HeaderMap) -> Option<SystemTime> {
    if headers.contains_key(AGE) {
        return None;
    }
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// Leaves no copy of the keys behind when the buffer grows.
fn append(body: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    if part.len() > body.capacity().saturating_sub(body.len()) {
        let mut larger = Zeroizing::new(Vec::with_capacity(body.len().saturating_add(part.len()).saturating_mul(2)));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(part);
}

fn given(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// Without any certificate, every handshake fails with an error.
fn of_the_operating_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
