//! The frozen vectors: states sealed by another implementation, and its answer to a callback with each of them.
//!
//! `tests/vectors/reference.py` is that implementation, written from `docs/wire-format.md` alone. Neither may give
//! another answer than `tests/vectors/states.json`.

use std::collections::{BTreeMap, BTreeSet};

use oauth_state::inspect::PublicData;
use oauth_state::provider::ResponseMode;
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, Binding, Callback, Expect, FinishError, Flow, FlowBuilder, KeyRing, LoginOutcome, Provider, Purpose,
    SingleProcessGuard, Tenant,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::shop::block_on;

#[derive(Deserialize)]
struct Vectors {
    flows: BTreeMap<String, FrozenFlow>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct FrozenFlow {
    app: String,
    environment: String,
    ring: String,
    purposes: Vec<String>,
    #[serde(default)]
    purposes_without_code: Vec<String>,
    providers: BTreeMap<String, FrozenProvider>,
    data: String,
    /// The prefix of its states; `ost1` if missing.
    form: Option<String>,
}

/// Data of the vectors, all of it public.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Published<T>(T);

impl<T> PublicData for Published<T> {}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct FrozenProvider {
    issuer: Option<String>,
    requires_iss: bool,
    form_post: bool,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    flow: String,
    now: u64,
    query: String,
    binding: FrozenBinding,
    user: Option<String>,
    expect: FrozenExpect,
    outcome: Value,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum FrozenBinding {
    Session { id: String },
    Cookie { headers: Vec<String> },
    ClientSecret { text: String },
    Unbound,
}

#[derive(Deserialize)]
struct FrozenExpect {
    provider: String,
    tenant: Option<String>,
    redirect: Option<String>,
    purpose: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/states.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn purpose(text: &str) -> Purpose {
    match text {
        "login" => Purpose::Login,
        "link" => Purpose::Link,
        "reauthenticate" => Purpose::Reauthenticate,
        "logout" => Purpose::Logout,
        "custom:pay" => Purpose::Custom("pay"),
        "custom:consent" => Purpose::Custom("consent"),
        other => panic!("no purpose of the vectors: {other}"),
    }
}

impl FrozenFlow {
    fn build<T: Serialize + DeserializeOwned + Send + Sync + 'static>(&self, now: u64) -> Flow<Published<T>> {
        let app = App::new(&self.app, &self.environment).unwrap();
        let guard = SingleProcessGuard::with_capacity(10);
        let builder = Flow::builder(app, self.ring.parse::<KeyRing>().unwrap(), guard).clock(ManualClock::at(now));
        let builder = self.purposes.iter().map(|text| purpose(text)).fold(builder, FlowBuilder::purpose);
        let without_code = self.purposes_without_code.iter().map(|text| purpose(text));
        let builder = without_code.fold(builder, FlowBuilder::purpose_without_code);
        let providers = self.providers.iter().map(|(id, frozen)| frozen.build(id));
        let builder = providers.fold(builder.carrying(), FlowBuilder::provider);
        match self.form.as_deref() {
            None => builder.build().unwrap(),
            Some("oss1") => builder.build_signed_not_encrypted().unwrap(),
            Some(other) => panic!("no form of the vectors: {other}"),
        }
    }
}

impl FrozenProvider {
    fn build(&self, id: &str) -> Provider {
        let provider = Provider::custom(id).unwrap().scopes(["openid"]);
        let provider = match &self.issuer {
            Some(issuer) if self.requires_iss => provider.requires_iss(issuer),
            Some(issuer) => provider.issuer(issuer),
            None => provider,
        };
        if self.form_post { provider.response_mode(ResponseMode::FormPost) } else { provider }
    }
}

impl Vector {
    fn answer<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
        &self,
        flow: &Flow<T>,
    ) -> Result<Value, FinishError> {
        let (tenant, user) = (self.expect.tenant.as_deref().map(bytes), self.user.as_deref().map(bytes));
        let tenant = tenant.map(|tenant| Tenant::from_bytes(&tenant).unwrap());
        // Anything that a vector does not name is read from the state.
        let expect = Expect::provider(&self.expect.provider).any_tenant().any_redirect().any_purpose();
        let expect = tenant.as_ref().into_iter().fold(expect, Expect::tenant);
        let expect = self.expect.redirect.as_deref().into_iter().fold(expect, Expect::redirect);
        let expect = self.expect.purpose.as_deref().map(purpose).into_iter().fold(expect, Expect::purpose);
        let headers: Vec<Vec<u8>> = match &self.binding {
            FrozenBinding::Cookie { headers } => headers.iter().map(|header| bytes(header)).collect(),
            _ => Vec::new(),
        };
        let binding = match &self.binding {
            FrozenBinding::Session { id } => Binding::session(&bytes(id)).unwrap(),
            FrozenBinding::Cookie { .. } => Binding::cookie_headers(headers.iter().map(Vec::as_slice)),
            FrozenBinding::ClientSecret { text } => Binding::login_secret(text).unwrap(),
            FrozenBinding::Unbound => Binding::dangerously_unbound(),
        };
        let binding = user.as_deref().into_iter().fold(binding, |binding, user| binding.for_user(user).unwrap());
        let finished = block_on(flow.finish(binding, expect, Callback::from_query(&self.query)?))?;
        let origin = finished.origin();
        let issued_at = origin.issued_at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut accepted = json!({
            "purpose": origin.purpose.to_string(), "provider": origin.provider,
            "tenant": origin.tenant.as_ref().map(|tenant| hex(tenant.as_bytes())), "redirect": origin.redirect,
            "return_to": origin.return_to.as_ref().map(ToString::to_string), "restarts": origin.restarts,
            "issued_at": issued_at,
        });
        match finished {
            LoginOutcome::Authorized(login) => {
                accepted["data"] = serde_json::to_value(login.data).unwrap();
                accepted["code"] = login.code.secret().into();
                accepted["code_verifier"] = login.code_verifier.as_ref().unwrap().secret().into();
                accepted["nonce"] = login.nonce.as_ref().unwrap().secret().into();
            }
            LoginOutcome::SteppedUp(login) => {
                accepted["code"] = login.code().secret().into();
                accepted["code_verifier"] = login.code_verifier().unwrap().secret().into();
                accepted["nonce"] = login.nonce().unwrap().secret().into();
                let confirmed = login.dangerously_confirm_without_auth_time();
                accepted["data"] = serde_json::to_value(confirmed.data).unwrap();
            }
            LoginOutcome::Denied(refusal) => {
                accepted["data"] = serde_json::to_value(refusal.data).unwrap();
                accepted["error"] = refusal.error.as_str().into();
            }
            LoginOutcome::Returned(returned) => accepted["data"] = serde_json::to_value(returned.data).unwrap(),
            _ => panic!("another ending"),
        }
        Ok(accepted)
    }
}

#[test]
fn every_vector_has_the_outcome_that_is_frozen() {
    let Vectors { flows, vectors } = vectors();
    for vector in &vectors {
        let flow = &flows[&vector.flow];
        let answer = match flow.data.as_str() {
            "any" => vector.answer(&flow.build::<Value>(vector.now)),
            "u32" => vector.answer(&flow.build::<u32>(vector.now)),
            other => panic!("no data of the vectors: {other}"),
        };
        let outcome = match answer {
            Ok(accepted) => json!({ "accepted": accepted }),
            Err(error) => json!({ "refused": error.code() }),
        };
        assert_eq!(outcome, vector.outcome, "{}", vector.name);
    }
}

/// Each form has its own authenticity check, which another implementation might omit in one of them.
#[test]
fn both_forms_are_accepted_forged_and_taken_for_each_other() {
    let Vectors { flows, vectors } = vectors();
    for form in [None, Some("oss1")] {
        for (code, least) in [("accepted", 10), ("forged", 3), ("malformed", 5), ("unknown_key", 3), ("key_revoked", 1)]
        {
            let of_form = vectors.iter().filter(|vector| flows[&vector.flow].form.as_deref() == form);
            let found = of_form.filter(|vector| vector.outcome["refused"].as_str().unwrap_or("accepted") == code);
            assert!(found.count() >= least, "{form:?}, {code}");
        }
    }
}

/// A code without a vector is a check that another implementation might omit unnoticed.
#[test]
fn every_refusal_that_needs_no_store_has_two_vectors() {
    let mut counts = BTreeMap::<String, usize>::new();
    let mut names = BTreeSet::new();
    for vector in vectors().vectors {
        let code = vector.outcome["refused"].as_str().unwrap_or("accepted").to_owned();
        *counts.entry(code).or_default() += 1;
        assert!(names.insert(vector.name.clone()), "twice: {}", vector.name);
    }
    for code in [
        "missing_state",
        "duplicate_parameter",
        "code_and_error",
        "code_missing",
        "too_long",
        "malformed",
        "unknown_key",
        "key_revoked",
        "forged",
        "expired",
        "issued_in_future",
        "wrong_purpose",
        "wrong_provider",
        "wrong_tenant",
        "wrong_redirect",
        "cookie_missing",
        "other_browser",
        "other_session",
        "other_client",
        "other_user",
        "issuer_missing",
        "issuer_mismatch",
        "data",
    ] {
        assert!(counts.get(code).is_some_and(|count| *count >= 2), "{code}");
    }
    assert!(names.len() >= 60 && counts["accepted"] >= 20);
}
