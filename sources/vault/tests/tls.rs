//! Encrypted connections: which certificates are trusted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{FIRST, refused, says, text};
use oauth_state::ring::source::SourceErrorKind;
use oauth_state_vault::{VaultAuth, VaultSecret};
use servers::openbao::{OpenBao, PATH};

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_given_and_nowhere_else() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bao = OpenBao::start_encrypted(&made.cert.pem(), &made.signing_key.serialize_pem());
    bao.publish(FIRST);
    let token = VaultAuth::token(bao.token(&["reader"], "1h"));
    let build = |address: String, pem: Option<String>| {
        let builder = VaultSecret::builder(address, "secret", PATH, token.clone());
        pem.map_or_else(|| builder.clone(), |pem| builder.clone().ca_certificates(pem)).build().unwrap()
    };
    assert_eq!(text(&build(bao.encrypted_url("localhost"), Some(made.cert.pem()))).await.0, FIRST);
    for source in [
        build(bao.encrypted_url("localhost"), None),
        build(bao.encrypted_url("localhost"), Some(other.cert.pem())),
        build(bao.encrypted_url("127.0.0.1"), Some(made.cert.pem())),
    ] {
        let error = refused(&source).await;
        says(&error, SourceErrorKind::Misconfigured, &["certificate", "VAULT_CACERT"]);
    }
}
