//! Five shapes of login, from the smallest to one that carries the service's data.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use oauth_state::{
    App, AuthorizationRequest, Binding, Callback, Expect, FinishError, Flow, Login, Provider, Purpose, ReturnTo,
    SingleProcessGuard, Tenant, VerifiedCallback, testing,
};
use serde::{Deserialize, Serialize};

use super::straight_line::Fields;

pub const SESSION: &[u8] = b"a session id of 24 bytes";
pub const USER: &[u8] = b"user-4711";
pub const PROVIDER: &str = "github";
pub const REDIRECT: &str = "web";
/// A tenant is a project's id, a UUID.
pub const TENANT: [u8; 16] = *b"\x5a\x1e\x0c\x77\x9b\x12\x4d\x3f\x8a\x60\x11\x2b\x3c\x4d\x5e\x6f";
pub const RETURN_TO: &str = "/projects/4711/settings?tab=members";

/// Typical data for an invited user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    pub invitation: String,
    pub plan: String,
    pub seats: u32,
}

/// The fields of the smallest login, and of the usual one.
pub const LEAST: Fields<'_> = Fields { provider: PROVIDER, tenant: &[], redirect: "", return_to: "", openid: false };
pub const USUAL: Fields<'_> =
    Fields { provider: PROVIDER, tenant: &TENANT, redirect: REDIRECT, return_to: RETURN_TO, openid: true };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Provider and session, without an ID token.
    Least,
    /// With tenant, redirect and return path, which the peers carry as well.
    Usual,
    /// As usual, bound by a cookie: started without one, so that one is created.
    Cookie,
    /// Links an identity to a signed-in user.
    Link,
    /// As usual, with the service's data.
    Data,
}

impl Shape {
    pub const ALL: [Self; 5] = [Self::Least, Self::Usual, Self::Cookie, Self::Link, Self::Data];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Least => "least",
            Self::Usual => "usual",
            Self::Cookie => "cookie",
            Self::Link => "link",
            Self::Data => "data",
        }
    }

    pub fn login(self) -> Login {
        let login = Login::with(PROVIDER);
        match self {
            Self::Least => login,
            Self::Link => login.return_to(path()),
            Self::Usual | Self::Cookie | Self::Data => login.tenant(TENANT).redirect(REDIRECT).return_to(path()),
        }
    }
}

fn path() -> ReturnTo {
    RETURN_TO.parse::<ReturnTo>().unwrap()
}

/// A service that accepts all shapes.
pub struct Service {
    /// For a provider without OpenID Connect.
    pub least: Flow,
    pub plain: Flow,
    carrying: Flow<Invitation>,
    link: Flow,
    tenant: Tenant,
    no_headers: HeaderMap,
    post: HeaderMap,
}

impl Service {
    /// With the ring of `testing`.
    pub fn new() -> Self {
        let uri = "https://shop.example/auth/github/callback";
        let of = |purpose, provider: Provider| {
            let app = App::new("shop", "test").unwrap();
            let provider = provider.named_redirect_uri(REDIRECT, uri);
            let guard = SingleProcessGuard::with_capacity(1_000);
            Flow::builder(app, testing::ring(), guard).provider(provider).purpose(purpose)
        };
        let builder = |purpose| of(purpose, Provider::github().scopes(["openid"]));
        Self {
            least: of(Purpose::Login, Provider::github()).build().unwrap(),
            plain: builder(Purpose::Login).build().unwrap(),
            carrying: builder(Purpose::Login).carrying::<Invitation>().build().unwrap(),
            link: builder(Purpose::Link).build().unwrap(),
            tenant: Tenant::from(TENANT),
            no_headers: headers(&[("host", "shop.example")]),
            post: headers(&[("host", "shop.example"), ("origin", "https://shop.example")]),
        }
    }

    /// The caller's code for one click, including the login start.
    pub fn begin(&self, shape: Shape) -> AuthorizationRequest {
        self.begin_with(shape, shape.login())
    }

    /// The login start alone.
    pub fn begin_with(&self, shape: Shape, login: Login) -> AuthorizationRequest {
        match shape {
            Shape::Cookie => self.plain.begin(Binding::cookies(&self.no_headers), login),
            Shape::Link => self.link.begin(linked(&self.post), login),
            Shape::Data => {
                let invitation = Invitation { invitation: "2f9Kx7Qb".repeat(2), plan: "team".to_owned(), seats: 25 };
                self.carrying.begin(session(), login.data(invitation))
            }
            Shape::Least => self.least.begin(session(), login),
            Shape::Usual => self.plain.begin(session(), login),
        }
        .unwrap()
    }

    /// The callback after `begun`, as a browser sends it.
    pub fn callback(&self, shape: Shape, begun: AuthorizationRequest) -> Waiting {
        let pairs: Vec<_> = begun.cookie_pair().into_iter().map(|cookie| (COOKIE.as_str(), cookie)).collect();
        let headers = headers(&pairs);
        Waiting { shape, state: begun.state, headers }
    }

    /// A callback up to the guard.
    pub fn finish(&self, waiting: &Waiting) -> Result<Checked, FinishError> {
        self.finish_text(waiting, &waiting.state)
    }

    /// The same with another state.
    pub fn finish_text(&self, waiting: &Waiting, state: &str) -> Result<Checked, FinishError> {
        let callback = Callback::from_pairs([("state", state), ("code", "code")])?;
        let expect = Expect::provider(PROVIDER);
        let usual = Expect::provider(PROVIDER).tenant(&self.tenant).redirect(REDIRECT);
        match waiting.shape {
            Shape::Least => self.least.check(session(), expect, callback).map(Checked::Plain),
            Shape::Usual => self.plain.check(session(), usual, callback).map(Checked::Plain),
            Shape::Cookie => self.plain.check(Binding::cookies(&waiting.headers), usual, callback).map(Checked::Plain),
            Shape::Link => {
                let binding = session().for_user(USER).unwrap();
                self.link.check(binding, expect, callback).map(Checked::Plain)
            }
            Shape::Data => self.carrying.check(session(), usual, callback).map(Checked::Carrying),
        }
    }
}

/// A callback that passed every check but single use.
#[derive(Debug)]
#[allow(dead_code, reason = "it is made and dropped, as by a service that looks into it")]
pub enum Checked {
    Plain(VerifiedCallback<()>),
    Carrying(VerifiedCallback<Invitation>),
}

/// The inputs of a callback.
pub struct Waiting {
    shape: Shape,
    pub state: String,
    headers: HeaderMap,
}

/// The same state with one character of its ciphertext changed.
pub fn forged(state: &str) -> String {
    let mut forged = state.to_owned();
    let other = if &forged[60..61] == "A" { "E" } else { "A" };
    forged.replace_range(60..61, other);
    forged
}

pub fn session() -> Binding<'static> {
    Binding::session(SESSION).unwrap()
}

fn linked(headers: &HeaderMap) -> Binding<'_> {
    session().for_user(USER).unwrap().with_headers(headers)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}
