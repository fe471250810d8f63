//! One callback for nearly every code of a refusal before the guard; `key_revoked` and `other_client` cost the same as
//! `unknown_key` and `other_session`.

use http::HeaderMap;
use http::header::COOKIE;
use oauth_state::provider::ResponseMode;
use oauth_state::ring::RootKey;
use oauth_state::testing::{self, ManualClock};
use oauth_state::{
    App, Binding, Callback, Expect, FinishError, Flow, FlowBuilder, KeyRing, Login, Provider, Purpose,
    SingleProcessGuard, Tenant,
};

use crate::bench::shapes::{PROVIDER, REDIRECT, TENANT, forged, session};
use crate::shop::anything;

pub type Refuse = Box<dyn Fn() -> FinishError>;

/// The time at which all of them start.
const BEGUN: u64 = 1_800_000_000;

fn builder(ring: impl Into<KeyRing>, at: u64) -> FlowBuilder<()> {
    let provider = Provider::github()
        .named_redirect_uri(REDIRECT, "https://shop.example/auth/github/callback")
        .named_redirect_uri("admin", "https://shop.example/auth/github/admin");
    let guard = SingleProcessGuard::with_capacity(1_000);
    let builder = Flow::builder(App::new("shop", "test").unwrap(), ring.into(), guard);
    let gitlab = Provider::custom("gitlab").unwrap().requires_iss("https://gitlab.example");
    builder.provider(provider).provider(gitlab).clock(ManualClock::at(at))
}

fn here() -> Flow {
    builder(testing::ring(), BEGUN).build().unwrap()
}

fn usual() -> Login {
    Login::with(PROVIDER).tenant(TENANT).redirect(REDIRECT)
}

fn state_of(flow: &Flow, binding: Binding<'_>, login: Login) -> String {
    flow.begin(binding, login).unwrap().state
}

/// A callback with this state, checked on every call.
fn checking(flow: Flow, state: String, check: impl Fn(&Flow, Callback) -> FinishError + 'static) -> Refuse {
    Box::new(move || match Callback::from_pairs([("code", "code"), ("state", state.as_str())]) {
        Ok(callback) => check(&flow, callback),
        Err(error) => error,
    })
}

fn plainly(flow: Flow, state: String) -> Refuse {
    checking(flow, state, |flow, callback| flow.check(session(), anything(PROVIDER), callback).unwrap_err())
}

fn expecting(expect: impl for<'a> Fn(Expect<'a>) -> Expect<'a> + 'static) -> Refuse {
    let flow = here();
    let state = state_of(&flow, session(), usual());
    checking(flow, state, move |flow, callback| {
        flow.check(session(), expect(anything(PROVIDER)), callback).unwrap_err()
    })
}

fn held_by(binding: impl Fn() -> Binding<'static> + 'static, user: bool) -> Refuse {
    let flow = here();
    let begun = if user { session().for_user(b"user-4711").unwrap() } else { session() };
    let state = state_of(&flow, begun, usual());
    checking(flow, state, move |flow, callback| flow.check(binding(), anything(PROVIDER), callback).unwrap_err())
}

fn with_cookie(value: Option<&'static str>) -> Refuse {
    let flow = here();
    let no_cookie = HeaderMap::new();
    let begun = flow.begin(Binding::cookies(&no_cookie), usual()).unwrap();
    let mut headers = HeaderMap::new();
    if let (Some(value), Some(set_cookie)) = (value, begun.set_cookie) {
        let name = set_cookie.split('=').next().unwrap();
        headers.insert(COOKIE, format!("{name}={value}").parse().unwrap());
    }
    checking(flow, begun.state, move |flow, callback| {
        flow.check(Binding::cookies(&headers), anything(PROVIDER), callback).unwrap_err()
    })
}

fn issuer(query: &'static str) -> Refuse {
    let flow = here();
    let state = state_of(&flow, session(), Login::with("gitlab"));
    let query = format!("state={state}&code=code{query}");
    Box::new(move || {
        let callback = Callback::from_query(&query).unwrap();
        flow.check(session(), anything("gitlab"), callback).unwrap_err()
    })
}

fn parsing(query: &'static str) -> Refuse {
    Box::new(move || Callback::from_query(query).unwrap_err())
}

fn without_code() -> Refuse {
    let flow = here();
    Box::new(move || {
        let state = state_of(&flow, session(), usual());
        let callback = Callback::from_query(&format!("state={state}")).unwrap();
        flow.check(session(), anything(PROVIDER), callback).unwrap_err()
    })
}

fn data() -> Refuse {
    let carrying = builder(testing::ring(), BEGUN).carrying::<u32>().build().unwrap();
    let state = carrying.begin(session(), Login::with(PROVIDER).data(7)).unwrap().state;
    // A flow of a deployment in which the data has another type.
    let other = builder(testing::ring(), BEGUN).carrying::<String>().build().unwrap();
    Box::new(move || {
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        other.check(session(), anything(PROVIDER), callback).unwrap_err()
    })
}

fn other_purpose() -> Refuse {
    let linking = builder(testing::ring(), BEGUN).purpose(Purpose::Reauthenticate).build().unwrap();
    let binding = session().for_user(b"user-4711").unwrap().dangerously_assume_same_origin();
    plainly(here(), state_of(&linking, binding, usual()))
}

fn by_get_of_a_form_post_provider() -> Refuse {
    let provider = Provider::custom("posts").unwrap().response_mode(ResponseMode::FormPost).post_only();
    let flow = builder(testing::ring(), BEGUN).provider(provider).build().unwrap();
    let state = state_of(&flow, session(), Login::with("posts"));
    checking(flow, state, |flow, callback| flow.check(session(), anything("posts"), callback).unwrap_err())
}

/// A provider that was loaded at run time.
fn connection(client_id: &str) -> Provider {
    let provider = Provider::custom("acme").unwrap().client_id(client_id);
    provider.redirect_uri("https://shop.example/auth/acme/callback")
}

fn of_connection(check: impl Fn(&Flow, Callback) -> FinishError + 'static) -> Refuse {
    let flow = here();
    let state = state_of(&flow, session(), Login::with(&connection("client-7")));
    checking(flow, state, check)
}

/// The codes, each with a call that is refused with it.
pub fn all() -> Vec<(&'static str, Refuse)> {
    let genuine = || state_of(&here(), session(), usual());
    let other_key = || builder(RootKey::generate().unwrap(), BEGUN).build().unwrap();
    let at = |seconds| builder(testing::ring(), seconds).build().unwrap();
    let other_session = || Binding::session(b"another session of 26 bytes").unwrap();
    let tenant = Tenant::from([9; 16]);
    vec![
        ("missing_state", parsing("code=code")),
        ("duplicate_parameter", parsing("state=a&state=b&code=code")),
        ("code_and_error", parsing("state=a&code=code&error=access_denied")),
        ("code_missing", without_code()),
        ("too_long", plainly(here(), "A".repeat(2_049))),
        ("malformed", plainly(here(), genuine().replacen("ost1", "Ost1", 1))),
        ("unknown_key", plainly(other_key(), genuine())),
        ("forged", plainly(here(), forged(&genuine()))),
        ("expired", plainly(at(BEGUN + 3_600), genuine())),
        ("issued_in_future", plainly(at(BEGUN - 3_600), genuine())),
        ("wrong_purpose", other_purpose()),
        (
            "wrong_provider",
            checking(here(), genuine(), |flow, callback| {
                flow.check(session(), anything("gitlab"), callback).unwrap_err()
            }),
        ),
        (
            "connection_changed",
            of_connection(|flow, callback| {
                let edited = connection("client-8");
                flow.check(session(), Expect::connection(&edited), callback).unwrap_err()
            }),
        ),
        ("connection_gone", of_connection(|flow, callback| flow.open(callback).unwrap().connection_gone())),
        ("wrong_tenant", {
            let tenant: &'static Tenant = Box::leak(Box::new(tenant));
            expecting(move |expect| expect.tenant(tenant))
        }),
        ("wrong_redirect", expecting(|expect| expect.redirect("admin"))),
        ("wrong_response_mode", by_get_of_a_form_post_provider()),
        ("cookie_missing", with_cookie(None)),
        ("other_browser", with_cookie(Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))),
        ("other_session", held_by(other_session, false)),
        ("other_user", held_by(session, true)),
        ("issuer_missing", issuer("")),
        ("issuer_mismatch", issuer("&iss=https://other.example")),
        ("data", data()),
    ]
}
