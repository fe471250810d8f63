//! A service that reads its keys from files in three ways, starts and finishes logins, and ends.

use std::path::Path;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use oauth_state::ring::source::FileSource;
use oauth_state::ring::{KeyRingDocument, Refresh, SecretString};
use oauth_state::{
    App, Binding, Callback, Expect, Flow, FlowBuilder, KeyRing, LiveKeyRing, Login, LoginOutcome, Provider,
    SingleProcessGuard,
};
use tokio::runtime::Runtime;

use crate::memory::{self, Found, Needle};
use crate::needles;

/// Secrets only in the caller's `AuthorizationRequest` and headers, out of this crate's reach
/// (`docs/side-channels.md`).
const NOT_OURS: [&str; 2] = ["a cookie's secret, in its text", "a client's secret, in its text"];
/// Secrets that this crate never keeps on the heap, so the search finds none while it is in use.
const NEVER_KEPT: [&str; 3] = ["a cookie's secret", "the key that binds logins", "the key that signs"];

/// Also writes the findings into `write_to`, for the page.
pub fn run(write_to: Option<&Path>) {
    let folder = tempfile::tempdir().unwrap();
    let (key, document) = (folder.path().join("key"), folder.path().join("ring.json"));
    let mut needles = needles::of_a_new_key(&key, &document);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let service = Service::start(&runtime, &key, &document);
    let flows = [&service.of_key, &service.of_document, &service.loaded, &service.signed];
    let held = flows.map(|flow| service.logins(flow, &mut needles));

    let in_use = memory::find(&needles);
    drop((held, service));
    let dropped = memory::find(&needles);
    report(&needles, &in_use, &dropped, write_to);
}

struct Service<'r> {
    runtime: &'r Runtime,
    of_key: Flow,
    of_document: Flow,
    loaded: Flow,
    signed: Flow,
    /// As in an operator's tool.
    _written: SecretString,
}

/// A finished login, and the user agent's secrets.
type Held = (LoginOutcome<()>, Option<Box<Binding<'static>>>);

impl<'r> Service<'r> {
    fn start(runtime: &'r Runtime, key: &Path, document: &Path) -> Self {
        let text = SecretString::from(std::fs::read_to_string(document).unwrap());
        let written = text.expose().parse::<KeyRingDocument>().unwrap().to_secret_text();
        let (loaded, refresher) =
            runtime.block_on(LiveKeyRing::load(FileSource::new(document), Refresh::default())).unwrap();
        drop(refresher);
        Self {
            runtime,
            of_key: flow(KeyRing::from_file(key).unwrap()),
            of_document: flow(KeyRing::from_file(document).unwrap()),
            loaded: flow(loaded.clone()),
            signed: builder(loaded).build_signed_not_encrypted().unwrap(),
            _written: written,
        }
    }

    /// One login by cookie, and one of a client that keeps its secret itself.
    fn logins(&self, flow: &Flow, needles: &mut Vec<Needle>) -> [Held; 2] {
        let nothing = HeaderMap::new();
        // A browser that started logins in several tabs at once: the list of its cookies grows.
        let tabs = (0..8).map(|_| flow.begin(Binding::cookies(&nothing), Login::with("github")).unwrap());
        let mut headers = HeaderMap::new();
        let mut state = String::new();
        for begun in tabs {
            let set_cookie = begun.set_cookie.unwrap();
            let cookie = set_cookie.split(';').next().unwrap();
            let (_, value) = cookie.split_once('=').unwrap();
            needles.extend(needles::of_base64url("a cookie's secret, in its text", "a cookie's secret", value));
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
            state = begun.state;
        }
        let by_cookie = self.finish(flow, Binding::cookies(&headers), &state, needles);

        let begun = flow.begin(Binding::new_login_secret(), Login::with("github")).unwrap();
        let secret = begun.login_secret.unwrap();
        needles.extend(needles::of_base64url("a client's secret, in its text", "a client's secret", &secret));
        let binding = Box::new(Binding::login_secret(&secret).unwrap());
        let by_secret = self.finish(flow, (*binding).clone(), &begun.state, needles);
        [(by_cookie, None), (by_secret, Some(binding))]
    }

    fn finish(&self, flow: &Flow, binding: Binding<'_>, state: &str, needles: &mut Vec<Needle>) -> LoginOutcome<()> {
        let callback = Callback::from_pairs([("state", state), ("code", "code")]).unwrap();
        let finished = self.runtime.block_on(flow.finish(binding, Expect::provider("github"), callback)).unwrap();
        let LoginOutcome::Authorized(login) = &finished else { panic!("the provider refused") };
        let verifier = login.code_verifier.as_ref().unwrap().secret();
        let [text, _] = needles::of_base64url("a code_verifier, in its text", "a code_verifier", verifier);
        needles.push(text);
        finished
    }
}

fn flow(keys: impl Into<LiveKeyRing>) -> Flow {
    builder(keys).build().unwrap()
}

fn builder(keys: impl Into<LiveKeyRing>) -> FlowBuilder<()> {
    let guard = SingleProcessGuard::with_capacity(100);
    Flow::builder(App::new("shop", "test").unwrap(), keys, guard).provider(Provider::github())
}

/// Sums the findings by name, prints and judges them.
fn report(needles: &[Needle], in_use: &[Found], dropped: &[Found], write_to: Option<&Path>) {
    let mut names: Vec<&str> = Vec::new();
    for needle in needles {
        if !names.contains(&needle.name) {
            names.push(needle.name);
        }
    }
    let sum = |found: &[Found], name: &str| {
        let of_name = needles.iter().zip(found).filter(|(needle, _)| needle.name == name);
        of_name.fold(Found::default(), |sum, (_, found)| Found {
            heap: sum.heap + found.heap,
            stack: sum.stack + found.stack,
            statics: sum.statics + found.statics,
        })
    };
    println!("{:<58} in use: heap, stack   dropped: heap, stack", "");
    let (mut good, mut bad, mut rows) = (0, 0, Vec::new());
    for name in names {
        let (before, after) = (sum(in_use, name), sum(dropped, name));
        let ours = !NOT_OURS.contains(&name);
        let shown = before.heap > 0 || NEVER_KEPT.contains(&name) || !ours;
        let gone = after.heap + after.statics == 0 || !ours;
        let verdict = match (shown, gone) {
            (true, true) => "",
            (true, false) => "  is still there",
            (false, _) => "  was not found while in use: the search proves nothing",
        };
        println!("{name:<58} {:>12} {:>6} {:>15} {:>6}{verdict}", before.heap, before.stack, after.heap, after.stack);
        if verdict.is_empty() {
            good += 1;
        } else {
            bad += 1;
        }
        rows.push(serde_json::json!({ "name": name, "ours": ours, "in_use": before, "dropped": after }));
    }
    if let Some(path) = write_to {
        std::fs::write(path, serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    }
    println!("{good} passed, {bad} failed");
    assert!(bad == 0, "a secret is still in memory after everything that held it was dropped");
}
