//! A STUB of Azure Key Vault: the three routes that the source uses, for one secret, according to the published
//! reference.
//!
//! There is no emulator. The stub speaks plain HTTP, but the client requires an `https` address, so a test gives the
//! client a transport that leads to the stub. It starts with the real service's challenge, and returns lists in pages.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test's own server: it fails loudly"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::stub::{Answer, HttpStub, Question};

/// The only accepted bearer token.
pub const TOKEN: &str = "stub-token-of-azure";
/// The address that the vault names in its challenge.
pub const VAULT: &str = "https://shop.vault.azure.net";
/// The only secret.
pub const SECRET: &str = "oauth-state";
/// Small, so that lists have several pages; the real service has 25.
const PAGE: usize = 3;

/// When another writer interferes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Just before the next write.
    BeforeSet,
    /// Just after the next write, before any other request.
    AfterSet,
}

/// The stub of Azure Key Vault; it ends when it is dropped.
pub struct AzureStub {
    server: HttpStub,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    versions: Vec<Version>,
    deleted: bool,
    made: u128,
    trouble: Option<(u16, &'static str, &'static str, &'static str)>,
    between: Option<(Step, String)>,
}

struct Version {
    id: String,
    text: String,
    enabled: bool,
}

impl AzureStub {
    /// Starts it without a secret.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = HttpStub::start(move |question| lock(&shared).answer(&question)).await;
        Self { server, state }
    }

    /// Its address, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The number of requests, including challenges.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.server.requests()
    }

    /// Publishes a text as the new current version, and returns its id.
    pub fn publish(&self, text: &str) -> String {
        lock(&self.state).set(text)
    }

    /// The texts of all versions, oldest first.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        lock(&self.state).versions.iter().map(|version| version.text.clone()).collect()
    }

    /// Disables the current version.
    pub fn disable(&self) {
        lock(&self.state).versions.last_mut().expect("a version").enabled = false;
    }

    /// Deletes the secret; as in a vault with soft delete, its name stays reserved.
    pub fn delete(&self) {
        lock(&self.state).deleted = true;
    }

    /// Refuses every request for missing permission.
    pub fn deny(&self) {
        let message = "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or \
                       role definitions were changed recently, please observe propagation time.";
        lock(&self.state).trouble = Some((403, "Forbidden", "ForbiddenByRbac", message));
    }

    /// Answers every request with 503.
    pub fn unavailable(&self) {
        lock(&self.state).trouble = Some((503, "ServiceUnavailable", "", "The service is unavailable."));
    }

    /// Answers every request with 429.
    pub fn throttle(&self) {
        let message = "Request was not processed because too many requests were received.";
        lock(&self.state).trouble = Some((429, "Throttled", "", message));
    }

    /// Ends the effect of [`deny`](Self::deny), [`unavailable`](Self::unavailable) and [`throttle`](Self::throttle).
    pub fn restore(&self) {
        lock(&self.state).trouble = None;
    }

    /// Lets another writer publish a text around the next write.
    pub fn get_between(&self, step: Step, text: &str) {
        lock(&self.state).between = Some((step, text.to_owned()));
    }

    /// Stops listening on its port.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(status: u16, code: &str, inner: &str, message: impl Into<String>) -> Answer {
    let mut error = json!({ "code": code, "message": message.into() });
    if !inner.is_empty() {
        error["innererror"] = json!({ "code": inner });
    }
    Answer::error(status, error)
}

impl State {
    fn set(&mut self, text: &str) -> String {
        self.made += 1;
        // As in the real service, ids do not show their order.
        let id = format!("{:032x}", self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        self.versions.push(Version { id: id.clone(), text: text.to_owned(), enabled: true });
        id
    }

    fn answer(&mut self, question: &Question) -> Answer {
        match question.authorization.as_deref() {
            None => {
                let mut answer = error(401, "Unauthorized", "", "AKV10000: Request is missing a Bearer or PoP token.");
                let challenge = "Bearer authorization=\"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555\", \
                                 resource=\"https://vault.azure.net\"";
                answer.header = Some(("www-authenticate", challenge.to_owned()));
                return answer;
            }
            Some(token) if token != format!("Bearer {TOKEN}") => {
                return error(401, "Unauthorized", "", "AKV10032: Invalid issuer or token.");
            }
            Some(_) => {}
        }
        if let Some((status, code, inner, message)) = self.trouble {
            return error(status, code, inner, message);
        }
        if !question.query.split('&').any(|pair| pair.starts_with("api-version=")) {
            return error(400, "BadParameter", "", "api-version is missing");
        }
        let rest = question.path.strip_prefix("/secrets/").and_then(|path| path.strip_prefix(SECRET));
        match (question.method.as_str(), rest) {
            ("GET", Some("/versions")) => self.list(&question.query),
            ("GET", Some(version)) => self.get(version.trim_start_matches('/')),
            ("PUT", Some("")) => self.put(&question.body),
            _ => error(404, "SecretNotFound", "", format!("A secret with (name/id) {} was not found", question.path)),
        }
    }

    fn properties(version: &Version) -> Value {
        json!({ "id": format!("{VAULT}/secrets/{SECRET}/{}", version.id), "attributes": { "enabled": version.enabled } })
    }

    fn get(&self, id: &str) -> Answer {
        let found = match id {
            "" => self.versions.last(),
            id => self.versions.iter().find(|version| version.id == id),
        };
        let Some(version) = found.filter(|_| !self.deleted) else {
            let message = "A secret with (name/id) oauth-state was not found in this key vault. If you recently deleted this \
                           secret you may be able to recover it using the correct recovery command.";
            return error(404, "SecretNotFound", "", message);
        };
        if !version.enabled {
            return error(403, "Forbidden", "SecretDisabled", "Operation get is not allowed on a disabled secret.");
        }
        let mut secret = Self::properties(version);
        secret["value"] = Value::from(version.text.clone());
        Answer::ok(secret)
    }

    /// An unknown name has an empty list, not an error.
    fn list(&self, query: &str) -> Answer {
        let skipped = query.split('&').find_map(|pair| pair.strip_prefix("skiptoken=")?.parse().ok()).unwrap_or(0);
        let all = if self.deleted { &[] } else { &*self.versions };
        let page: Vec<_> = all.iter().skip(skipped).take(PAGE).map(Self::properties).collect();
        let next = skipped + PAGE;
        let link = (next < all.len()).then(|| format!("{VAULT}/secrets/{SECRET}/versions?skiptoken={next}"));
        Answer::ok(json!({ "value": page, "nextLink": link }))
    }

    fn put(&mut self, body: &Value) -> Answer {
        if self.deleted {
            let message = "Secret oauth-state is currently in a deleted but recoverable state, and its name cannot be reused; \
                           in this state, the secret can only be recovered or purged.";
            return error(409, "Conflict", "ObjectIsDeletedButRecoverable", message);
        }
        let Some(text) = body["value"].as_str() else {
            return error(400, "BadParameter", "", "The property value is missing.");
        };
        self.let_between(Step::BeforeSet);
        self.set(text);
        let answer = Self::properties(self.versions.last().unwrap());
        self.let_between(Step::AfterSet);
        Answer::ok(answer)
    }

    fn let_between(&mut self, step: Step) {
        if let Some((_, text)) = self.between.take_if(|(at, _)| *at == step) {
            self.set(&text);
        }
    }
}
