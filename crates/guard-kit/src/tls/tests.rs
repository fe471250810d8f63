use super::*;
use oauth_state::guard::GuardErrorKind;

fn cause(error: &GuardError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_failed_handshake_is_a_misconfiguration_with_its_remedy_however_deep_it_is() {
    let unknown_issuer = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let wrapped = io::Error::new(io::ErrorKind::InvalidData, unknown_issuer());
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(io::Error::other(wrapped));
    let fault = tls_fault(&shared).expect("a fault");
    assert_eq!(fault.kind(), GuardErrorKind::Misconfigured);
    assert!(cause(&fault).contains("root_certificates"), "{}", cause(&fault));

    let alert = io::Error::other(rustls::Error::AlertReceived(AlertDescription::CertificateRequired));
    assert!(cause(&tls_fault(&alert).expect("a fault")).contains("client_certificate"));
}

#[test]
fn an_outage_is_no_fault_of_tls() {
    assert!(tls_fault(&io::Error::from(io::ErrorKind::ConnectionRefused)).is_none());
    assert!(tls_fault(&io::Error::other("reset")).is_none());
}

#[test]
fn text_without_a_certificate_or_a_key_is_refused_without_quoting_it() {
    for pem in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"] {
        let error = certificates_in(pem.as_bytes(), "root_certificates").unwrap_err();
        assert!(cause(&error).contains("root_certificates has no certificate"), "{}", cause(&error));
    }
    let broken = "-----BEGIN PRIVATE KEY-----\nhunter2, no base64!\n-----END PRIVATE KEY-----\n";
    for pem in ["", "hunter2", broken] {
        let error = private_key_in(pem.as_bytes(), "sslkey").unwrap_err();
        assert_eq!(error.kind(), GuardErrorKind::Misconfigured);
        assert!(!cause(&error).contains("hunter2"), "{}", cause(&error));
    }
}
