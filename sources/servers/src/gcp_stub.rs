//! A STUB of Google Secret Manager: the six routes that the source uses, for one secret, according to the published
//! reference.
//!
//! There is no emulator. The stub behaves as Google documents the real service: etags, aliases, states of versions,
//! checksums and error codes. It cannot show undocumented behavior.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test's own server: it fails loudly"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::stub::{Answer, HttpStub, Question};

/// The only accepted bearer token.
pub const TOKEN: &str = "stub-token-of-google";
/// The only secret.
pub const SECRET: &str = "projects/shop/secrets/oauth-state";
/// The name in the service's responses, with the project's number.
const SECRET_BY_NUMBER: &str = "projects/123456789/secrets/oauth-state";

/// A request before which another writer interferes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `secrets.addVersion`.
    AddVersion,
    /// `secrets.patch`.
    Patch,
}

/// The stub of Google Secret Manager; it ends when it is dropped.
pub struct GcpStub {
    server: HttpStub,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Whether the secret exists.
    there: bool,
    etag: u64,
    aliases: BTreeMap<String, i64>,
    versions: Vec<Version>,
    trouble: Option<(u16, &'static str, &'static str)>,
    ahead: Option<(Step, String, Option<String>)>,
    etag_moves_with_versions: bool,
    damaged: bool,
    failing: Option<Step>,
}

struct Version {
    text: String,
    state: &'static str,
}

impl GcpStub {
    /// Starts it with the secret, but no version.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { there: true, etag: 1, ..State::default() }));
        let shared = Arc::clone(&state);
        let server = HttpStub::start(move |question| lock(&shared).answer(&question)).await;
        Self { server, state }
    }

    /// Its address, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The number of requests.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.server.requests()
    }

    /// Publishes a text as the new latest version, and returns its number.
    pub fn publish(&self, text: &str) -> i64 {
        lock(&self.state).add(text.to_owned())
    }

    /// Points an alias at a version.
    pub fn point(&self, alias: &str, version: i64) {
        let mut state = lock(&self.state);
        state.aliases.insert(alias.to_owned(), version);
        state.etag += 1;
    }

    /// The version to which an alias points.
    #[must_use]
    pub fn pointed(&self, alias: &str) -> Option<i64> {
        lock(&self.state).aliases.get(alias).copied()
    }

    /// The number of versions in the state `ENABLED`.
    #[must_use]
    pub fn enabled(&self) -> usize {
        lock(&self.state).versions.iter().filter(|version| version.state == "ENABLED").count()
    }

    /// Disables a version.
    pub fn disable(&self, version: i64) {
        lock(&self.state).version(version).expect("a version").state = "DISABLED";
    }

    /// Destroys a version.
    pub fn destroy(&self, version: i64) {
        lock(&self.state).version(version).expect("a version").state = "DESTROYED";
    }

    /// Deletes the secret with all its versions.
    pub fn delete(&self) {
        *lock(&self.state) = State { etag: 1, ..State::default() };
    }

    /// Refuses every request for missing permission.
    pub fn deny(&self) {
        let message = "Permission 'secretmanager.versions.access' denied for resource \
                       'projects/shop/secrets/oauth-state/versions/latest' (or it may not exist).";
        lock(&self.state).trouble = Some((403, "PERMISSION_DENIED", message));
    }

    /// Answers every request with 503.
    pub fn unavailable(&self) {
        lock(&self.state).trouble = Some((503, "UNAVAILABLE", "The service is currently unavailable."));
    }

    /// Answers every request with 429.
    pub fn throttle(&self) {
        lock(&self.state).trouble =
            Some((429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Access requests'."));
    }

    /// Answers requests of this kind with 503.
    pub fn fail_at(&self, step: Step) {
        lock(&self.state).failing = Some(step);
    }

    /// Ends the effect of [`deny`](Self::deny), [`unavailable`](Self::unavailable), [`throttle`](Self::throttle),
    /// [`damage`](Self::damage) and [`fail_at`](Self::fail_at).
    pub fn restore(&self) {
        let mut state = lock(&self.state);
        state.trouble = None;
        state.damaged = false;
        state.failing = None;
    }

    /// Sends payloads with a wrong checksum.
    pub fn damage(&self) {
        lock(&self.state).damaged = true;
    }

    /// Just before the next request of this kind is handled, another writer adds a version, and points the alias at it
    /// if one is given.
    pub fn get_ahead(&self, step: Step, text: &str, alias: Option<&str>) {
        lock(&self.state).ahead = Some((step, text.to_owned(), alias.map(ToOwned::to_owned)));
    }

    /// Lets a new version change the secret's etag too. The documentation says that it does not.
    pub fn etag_moves_with_versions(&self) {
        lock(&self.state).etag_moves_with_versions = true;
    }

    /// Stops listening on its port.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(code: u16, status: &str, message: impl Into<String>) -> Answer {
    Answer::error(code, json!({ "code": code, "message": message.into(), "status": status }))
}

impl State {
    fn version(&mut self, number: i64) -> Option<&mut Version> {
        self.versions.get_mut(usize::try_from(number - 1).ok()?)
    }

    fn add(&mut self, text: String) -> i64 {
        self.there = true;
        self.versions.push(Version { text, state: "ENABLED" });
        if self.etag_moves_with_versions {
            self.etag += 1;
        }
        i64::try_from(self.versions.len()).unwrap()
    }

    fn answer(&mut self, question: &Question) -> Answer {
        if question.authorization.as_deref() != Some(&format!("Bearer {TOKEN}")) {
            let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                           other valid authentication credential.";
            return error(401, "UNAUTHENTICATED", message);
        }
        if let Some((code, status, message)) = self.trouble {
            return error(code, status, message);
        }
        let Some(rest) = question.path.strip_prefix("/v1/").and_then(|path| path.strip_prefix(SECRET)) else {
            return error(404, "NOT_FOUND", format!("Secret [{}] not found.", question.path));
        };
        if !self.there {
            return error(404, "NOT_FOUND", format!("Secret [{SECRET_BY_NUMBER}] not found or has no versions."));
        }
        let step = match (question.method.as_str(), rest) {
            ("PATCH", "") => Some(Step::Patch),
            ("POST", ":addVersion") => Some(Step::AddVersion),
            _ => None,
        };
        if step.is_some() && step == self.failing {
            return error(503, "UNAVAILABLE", "The service is currently unavailable.");
        }
        match (question.method.as_str(), rest) {
            ("GET", "") => Answer::ok(self.secret()),
            ("PATCH", "") => self.patch(question),
            ("POST", ":addVersion") => self.add_version(&question.body),
            ("GET", _) => self.read(rest),
            ("POST", _) => self.destroy_version(rest),
            _ => error(404, "NOT_FOUND", "The requested URL was not found on this server."),
        }
    }

    fn secret(&self) -> Value {
        let aliases: Map<_, _> =
            self.aliases.iter().map(|(alias, version)| (alias.clone(), Value::from(version.to_string()))).collect();
        json!({ "name": SECRET_BY_NUMBER, "etag": format!("\"{}\"", self.etag), "versionAliases": aliases })
    }

    fn patch(&mut self, question: &Question) -> Answer {
        self.let_ahead(Step::Patch);
        if !question.query.split('&').any(|pair| pair == "updateMask=versionAliases") {
            return error(400, "INVALID_ARGUMENT", "the update mask is not versionAliases alone");
        }
        // Without an etag the service writes unconditionally.
        match question.body["etag"].as_str() {
            Some(etag) if etag != format!("\"{}\"", self.etag) => {
                return error(400, "FAILED_PRECONDITION", "The etag provided does not match the etag of the resource.");
            }
            _ => {}
        }
        let Some(aliases) = question.body["versionAliases"].as_object() else {
            return error(400, "INVALID_ARGUMENT", "no aliases");
        };
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok()).expect("a number");
        self.aliases = aliases.iter().map(|(alias, value)| (alias.clone(), number(value))).collect();
        self.etag += 1;
        Answer::ok(self.secret())
    }

    fn add_version(&mut self, body: &Value) -> Answer {
        self.let_ahead(Step::AddVersion);
        let payload = &body["payload"];
        let data = BASE64.decode(payload["data"].as_str().unwrap_or_default()).unwrap_or_default();
        let sent = payload["dataCrc32c"].as_str().and_then(|text| text.parse::<i64>().ok());
        if sent.is_some_and(|sent| sent != i64::from(crc32c(&data))) {
            return error(400, "INVALID_ARGUMENT", "The checksum does not match the data.");
        }
        let number = self.add(String::from_utf8(data).expect("text"));
        Answer::ok(json!({ "name": format!("{SECRET_BY_NUMBER}/versions/{number}"), "state": "ENABLED" }))
    }

    fn let_ahead(&mut self, step: Step) {
        if let Some((_, text, alias)) = self.ahead.take_if(|(at, ..)| *at == step) {
            let number = self.add(text);
            if let Some(alias) = alias {
                self.aliases.insert(alias, number);
                self.etag += 1;
            }
        }
    }

    /// `latest`, an alias or a number.
    fn number(&self, name: &str) -> Option<i64> {
        let number = match name {
            "latest" => i64::try_from(self.versions.len()).ok()?,
            _ => self.aliases.get(name).copied().or_else(|| name.parse().ok())?,
        };
        (1..=i64::try_from(self.versions.len()).ok()?).contains(&number).then_some(number)
    }

    fn read(&mut self, rest: &str) -> Answer {
        let (name, access) = match rest.strip_suffix(":access") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let found = name.strip_prefix("/versions/").and_then(|name| self.number(name));
        let Some(number) = found else {
            return error(404, "NOT_FOUND", format!("Secret Version [{SECRET_BY_NUMBER}{name}] not found."));
        };
        let damaged = self.damaged;
        let version = self.version(number).expect("a version");
        let name = format!("{SECRET_BY_NUMBER}/versions/{number}");
        if !access {
            return Answer::ok(json!({ "name": name, "state": version.state }));
        }
        if version.state != "ENABLED" {
            return error(
                400,
                "FAILED_PRECONDITION",
                format!("Secret Version [{name}] is in {} state.", version.state),
            );
        }
        let data = version.text.as_bytes();
        let checksum = i64::from(crc32c(data)) ^ i64::from(damaged);
        Answer::ok(json!({
            "name": name,
            "payload": { "data": BASE64.encode(data), "dataCrc32c": checksum.to_string() },
        }))
    }

    fn destroy_version(&mut self, rest: &str) -> Answer {
        let name = rest.strip_prefix("/versions/").and_then(|rest| rest.strip_suffix(":destroy"));
        let Some(number) = name.and_then(|name| self.number(name)) else {
            return error(404, "NOT_FOUND", "no such version");
        };
        let version = self.version(number).expect("a version");
        version.state = "DESTROYED";
        version.text.clear();
        Answer::ok(json!({ "name": format!("{SECRET_BY_NUMBER}/versions/{number}"), "state": "DESTROYED" }))
    }
}

/// Castagnoli's checksum, bit by bit.
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 })
    })
}
