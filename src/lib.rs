//! OAuth 2.0 and OpenID Connect logins that start on one server and finish on another, without a session store. The `state` parameter
//! carries the login's data itself: encrypted, bound to the browser, and accepted once.
//!
//! ```
//! use oauth_state::testing::{self, TestBrowser, block_on};
//! use oauth_state::{App, Expect, Flow, Login, LoginOutcome, Provider, SingleProcessGuard};
//!
//! let github = Provider::github().client_id("your client id").redirect_uri("https://shop.example/auth/github/callback");
//! let guard = SingleProcessGuard::with_capacity(1_000_000);
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
//!
//! // GET /auth/github: redirect to `request.url()?`, which has the state and the PKCE challenge, and set `request.set_cookie`.
//! let request = flow.begin(TestBrowser::default().binding(), Login::with("github"))?; // or Binding::cookies(&headers)
//! assert!(request.url()?.to_string().starts_with("https://github.com/login/oauth/authorize?"));
//! let browser = TestBrowser::follow(&request);
//!
//! // GET /auth/github/callback, on this server or on any other with the same keys:
//! let finish = || block_on(flow.finish(browser.binding(), Expect::provider("github"), browser.callback()));
//! assert!(matches!(finish()?, LoginOutcome::Authorized(_))); // with the code, and what its exchange needs
//! assert_eq!(finish().unwrap_err().code(), "already_used");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! (The module `testing` needs the feature of that name, and the key of its ring is public. A service loads its ring with
//! [`KeyRing::from_env`] or [`KeyRing::from_file`].)
//!
//! # Guides
//!
//! | you want to … | guide | and the items |
//! |---|---|---|
//! | start and complete logins | [`docs::quick_start`] | [`Flow`], [`Login`], [`Callback`], [`Expect`], [`LoginOutcome`] |
//! | see how it works in one drawing | [`docs::how_it_works`] | [`Flow::check`], [`VerifiedCallback`] |
//! | read the threat model | [`docs::threat_model`] | [`Binding`]: cookies, a session, a login secret |
//! | choose a replay guard | [`docs::guards`] | [`ReplayGuard`], [`SingleProcessGuard`]; `RedisGuard`, `PostgresGuard`, `KnownUsedCache` |
//! | make, rotate and revoke keys | [`docs::rotation`] | [`KeyRing`], [`KeyRingDocument`](ring::KeyRingDocument), [`ring::source`]; `LiveKeyRing::load` |
//! | look up a provider's limits and quirks | [`docs::providers`] | [`Provider`], [`Preset`](provider::Preset) |
//! | migrate from a HashMap or a table, or store more than fits in a URL | [`docs::migrating`] | [`payload`], and the package `oauth-state-store` |
//! | compare it with alternatives | [`docs::comparison`] | |
//! | write another implementation | [`docs::wire_format`] | [`Inspection`](inspect::Inspection) |
//! | look up a term | [`docs::glossary`] | |
//! | answer a refusal | | [`FinishError`]: its code, its status, and [`Restart`] |
//! | carry a tenant, a return path or data | | [`Tenant`], [`ReturnTo`], [`FlowBuilder::carrying`] |
//! | let a proxy without a key read a state | | [`FlowBuilder::build_signed_not_encrypted`], [`UnverifiedClaims`](inspect::UnverifiedClaims) |
//! | log and measure logins | | [`observe`] |
//! | use axum, actix-web, or another framework | | the packages `oauth-state-axum`, `oauth-state-actix`, `oauth-state-routes`; [`http`] |
//! | use `oauth2`, `openidconnect` | | [`AuthorizationRequest`], [`Code`](outcome::Code), [`CodeVerifier`](outcome::CodeVerifier), [`Nonce`](outcome::Nonce) |
//!
//! # Crate features
//!
#![doc = include_str!("docs/features.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test"))]

mod base64url;
mod binding;
mod callback;
mod claims;
mod clock;
#[cfg(feature = "oauth2")]
mod conversions;
mod cookie;
#[cfg(any(doc, doctest))]
pub mod docs;
pub mod error;
mod expect;
mod flow;
mod framing;
#[cfg(test)]
mod frozen_vectors;
mod future;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guard;
#[cfg(feature = "http")]
pub mod http;
pub mod inspect;
mod name;
pub mod observe;
mod open;
pub mod outcome;
pub mod payload;
pub mod provider;
mod random;
mod reference;
mod refusal;
pub mod ring;
mod seal;
#[doc(hidden)]
#[cfg(feature = "http")]
pub mod seam;
mod secret;
mod steady_clock;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod unverified;

pub use binding::Binding;
pub use callback::Callback;
pub use claims::{Origin, ReturnTo, Tenant};
pub use clock::{Clock, SystemClock};
pub use expect::Expect;
pub use flow::{
    AuthorizationRequest, Authorized, BeginError, ConfigError, Denied, Flow, FlowBuilder, Login, LoginData,
    LoginOutcome, OpenedCallback, VerifiedCallback,
};
pub use future::BoxFuture;
pub use guard::{ReplayGuard, SingleProcessGuard};
pub use name::{App, Purpose};
pub use provider::{AuthorizationUrl, Provider};
pub use refusal::{FinishError, Restart};
pub use ring::{KeyRing, LiveKeyRing};

/// The repository's other pages, so that their code is compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../SECURITY.md")]
    struct Security;
    #[cfg(feature = "metrics")]
    #[doc = include_str!("../docs/operations.md")]
    struct Operations;
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/signed-states.md")]
    struct SignedStates;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/sources/environment.md")]
    struct Environment;
    #[cfg(feature = "watch")]
    #[doc = include_str!("../docs/sources/file.md")]
    struct File;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/sources/first-ring.md")]
    struct FirstRing;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/sources/your-own.md")]
    struct YourOwn;
    #[cfg(feature = "http")]
    #[doc = include_str!("../docs/clients.md")]
    struct Clients;
    #[cfg(all(feature = "openidconnect", feature = "testing"))]
    #[doc = include_str!("../docs/frameworks.md")]
    struct Frameworks;
    #[doc = include_str!("../docs/key-ring.md")]
    struct KeyRingDocument;
    #[doc = include_str!("../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../docs/deploys.md")]
    struct Deploys;
    #[doc = include_str!("../docs/scaling.md")]
    struct Scaling;
    #[doc = include_str!("../docs/side-channels.md")]
    struct SideChannels;
}
