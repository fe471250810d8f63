//! A stand-in for the provider: it issues codes, and accepts each once, with the right redirect_uri and code_verifier.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::state::Party;

pub struct StandIn {
    /// Whether it compares the code_verifier with the challenge, as RFC 7636 requires.
    compares_verifier: bool,
    grants: Vec<Grant>,
}

struct Grant {
    code: String,
    account: Party,
    challenge: String,
    redirect_uri: String,
    used: bool,
}

impl StandIn {
    pub fn new(compares_verifier: bool) -> Self {
        Self { compares_verifier, grants: Vec::new() }
    }

    /// A user who is signed in to this account authorizes the request.
    pub fn authorize(&mut self, account: Party, challenge: &str, redirect_uri: &str) -> String {
        let code = format!("code-{}", self.grants.len() + 1);
        let (challenge, redirect_uri) = (challenge.to_owned(), redirect_uri.to_owned());
        self.grants.push(Grant { code: code.clone(), account, challenge, redirect_uri, used: false });
        code
    }

    /// The token endpoint: the account, or nothing.
    pub fn exchange(&mut self, code: &str, verifier: &str, redirect_uri: &str) -> Option<Party> {
        let compares_verifier = self.compares_verifier;
        let grant = self.grants.iter_mut().find(|grant| grant.code == code && !grant.used)?;
        let fits = !compares_verifier || grant.challenge == BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if !fits || grant.redirect_uri != redirect_uri {
            return None;
        }
        grant.used = true;
        Some(grant.account)
    }
}
