//! OAuth 2.0 and OpenID Connect logins that start on one server and finish on another, without a store: the state is
//! sealed into the `state` parameter itself, bound to the browser, and used once.
//!
//! ```
//! use oauth_state::{App, Binding, Callback, Expect, Flow, Login, Provider, SingleProcessGuard, testing};
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let guard = SingleProcessGuard::with_capacity(10_000);
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(Provider::github()).build()?;
//!
//! // GET /auth/github: redirect to the provider with begun.state and begun.code_challenge, and set begun.set_cookie.
//! let begun = flow.begin(Binding::cookie_headers([]), Login::at("github"))?;
//!
//! // GET /auth/github/callback, on this server or on any other that has the same keys:
//! let cookie = begun.set_cookie.as_ref().and_then(|header| header.split(';').next()).unwrap_or_default();
//! let browser = || Binding::cookie_headers([cookie.as_bytes()]);
//! let callback = Callback::from_query(&format!("code=abc&state={}", begun.state))?;
//! assert!(flow.finish(browser(), Expect::provider("github"), callback.clone()).await.is_ok());
//! let again = flow.finish(browser(), Expect::provider("github"), callback).await.unwrap_err();
//! assert_eq!(again.code(), "already_used");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! (`testing::ring` needs the feature `testing` and holds a public key; a service takes its ring from [`KeyRing::from_env`] or
//! [`KeyRing::from_file`].)
//!
//! # The way of one login
//!
//! ```text
//! begin:   request ─► binding ─► seal ─► Begun { state, code_challenge, nonce, set_cookie … } ─► redirect
//! finish:  callback ─► form ─► key ─► open ─► time ─► provider, tenant, purpose ─► binding ─► iss ─► Bound ─► guard ─► Finished
//! ```
//!
//! The order is in the types: [`Flow::check`] is pure and gives a [`Bound`], which gives nothing away until
//! [`Bound::mark_used`] has asked the guard. Nothing malformed, forged or of another browser gets that far, so that nobody
//! uses up another's login. [`Flow::finish`] is both in one call.
//!
//! # Where do I start?
//!
//! | you want to … | look at |
//! |---|---|
//! | begin and finish | [`Flow`], [`Login`], [`Expect`], [`Callback`], [`Finished`] |
//! | say who holds the login | [`Binding`]: cookies, a session, a client secret |
//! | name a provider and its limits | [`Provider`], [`Preset`] |
//! | answer a refusal | [`FinishError`]: its code, its status, and [`Restart`] |
//! | keep more than a URL takes, or move off a HashMap or a table | [`store`] |
//! | let a proxy without a key read a state | [`FlowBuilder::build_signed_readable_by_anybody`], [`UnverifiedClaims`] |
//! | carry a tenant, a path, data | [`Tenant`], [`ReturnTo`], [`FlowBuilder::carrying`] |
//! | use axum, actix-web, `oauth2`, `openidconnect` | [`adapter`], [`Begun`], [`Code`], [`CodeVerifier`], [`Nonce`] |
//!
//! # Which guard?
//!
//! * [`SingleProcessGuard`]: one process, and tests. Behind a load balancer it refuses a used link where it was used, and leaves
//!   the rest to the provider, which takes a code once.
//! * `RedisGuard` (feature `redis`): a fleet with Redis or Valkey, alone, with Sentinel or as a cluster.
//! * `PostgresGuard` (feature `postgres`): a fleet with Postgres.
//! * `KnownUsedCache` (feature `cache`): in front of either, so that a link that is hammered costs no round trips.
//! * [`DangerouslyFailOpen`]: around one of them, for a service that would rather let a link work twice than refuse a login while
//!   the store is down.
//! * One of your own: [`ReplayGuard`] is one atomic method over a store that evicts nothing.
//!
//! `docs/guards.md` in the repository says what each survives, costs and forgets, with a test for each answer.
//!
//! # Rotating keys
//!
//! A [`KeyRing`] holds root keys with the times from which they seal. A new key opens states before it seals any, so that
//! every server has it in time, and an old one opens until its last state has expired: no login fails. One text, the same
//! on every server: `Keys::load` (feature `refresh`) reads it from a [`source`] and keeps it fresh while the service runs;
//! [`KeyRing::from_env`], [`KeyRing::from_file`] and [`KeyRing::parse`] read it once. [`RingDocument`] has the steps of a
//! rotation, and the command line `oauth-state` takes them. `docs/rotation.md` in the repository is the runbook.
//!
//! # Crate features
//!
//! * `http` (default): bindings from a `HeaderMap`, callbacks from request parts, responses.
//! * `axum`: a router for begin and callback, an extractor, `IntoResponse` for the errors, a task that outlives the connection.
//! * `actix`: the same for actix-web 4, the router apart.
//! * `oauth2`, `openidconnect`: conversions to and from their types.
//! * `redis`, `redis-tls`: `RedisGuard`; `rediss://` for it.
//! * `postgres`, `postgres-tls`: `PostgresGuard`; TLS for it.
//! * `cache`: `KnownUsedCache`.
//! * `refresh`, `watch`: keys that change while the service runs; hearing of a changed file at once.
//! * `metrics`, `tracing`: what operators see; see [`telemetry`].
//! * `cli`: the command line `oauth-state`.
//! * `uuid`: [`Tenant`] from a `Uuid`.
//! * `testing`: a clock to turn by hand, a fixed ring, and the suites that every guard and source must pass.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test"))]

pub mod adapter;
mod base64url;
mod binding;
mod callback;
mod claims;
mod clock;
mod cookie;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod doctor;
mod finish_error;
mod flow;
mod framing;
#[cfg(test)]
mod frozen_vectors;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod inspect;
mod key;
mod name;
mod open;
mod provider;
mod random;
mod replay;
mod rotation;
mod rows;
mod seal;
mod secret;
pub mod source;
mod steady_clock;
pub mod store;
mod sync;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod token;

pub use binding::{Binding, BindingError};
pub use callback::{AuthorizationError, Callback, UnauthenticatedParameters};
pub use claims::{Origin, ReturnTo, ReturnToError, Tenant, TenantError};
pub use clock::{Clock, SystemClock};
pub use finish_error::{FinishError, FinishErrorKind, RepostPage, Restart};
pub use flow::{
    Authorized, BeginError, Begun, Bound, Code, CodeVerifier, ConfigError, DataError, Expect, Finished, Flow,
    FlowBuilder, Login, Nonce, ProviderRefusal, PublicData,
};
pub use inspect::{BoundBy, Inspection, NotAState, SealedBy, StateContents, StateForm, UnverifiedClaims};
pub use key::{KeyRing, KeyRole, RootKey, RootKeyError, RootKeyId};
pub use name::{App, NameError, Purpose};
pub use provider::{Figure, Preset, PresetError, Provider, ResponseMode};
pub use random::RandomnessError;
#[cfg(feature = "cache")]
pub use replay::KnownUsedCache;
pub use replay::postgres;
pub use replay::{
    DangerouslyFailOpen, GuardError, GuardErrorKind, Mark, MarkFuture, Marked, ReplayGuard, SingleProcessGuard,
};
#[cfg(feature = "redis")]
pub use replay::{EvictionPolicy, RedisGuard, RedisGuardBuilder, RedisServer};
#[cfg(feature = "postgres")]
pub use replay::{PostgresGuard, PostgresGuardBuilder, Purged};
pub use rotation::{Change, Keys, KeysStatus, ListedKey, Offered, RingEvent, RingEventKind, Step, StepError};
pub use rotation::{Finding, Severity};
#[cfg(feature = "refresh")]
pub use rotation::{Refresh, Refresher};
pub use secret::SecretText;
pub use source::document::{RingDocument, RingError, RingTiming};

/// The crate of [`RedisGuard::from_connection`]'s argument.
#[cfg(feature = "redis")]
pub use ::redis;

/// The pages of the repository, so that their code is compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../SECURITY.md")]
    struct Security;
    #[cfg(feature = "metrics")]
    #[doc = include_str!("../docs/operations.md")]
    struct Operations;
    #[doc = include_str!("../docs/wire-format.md")]
    struct WireFormat;
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/signed-states.md")]
    struct SignedStates;
    #[doc = include_str!("../docs/key-ring.md")]
    struct KeyRingDocument;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/rotation.md")]
    struct Rotation;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/sources/environment.md")]
    struct Environment;
    #[cfg(feature = "watch")]
    #[doc = include_str!("../docs/sources/file.md")]
    struct File;
    #[cfg(feature = "refresh")]
    #[doc = include_str!("../docs/sources/your-own.md")]
    struct YourOwn;
    #[cfg(all(feature = "actix", feature = "axum", feature = "openidconnect", feature = "testing"))]
    #[doc = include_str!("../docs/frameworks.md")]
    struct Frameworks;
    #[doc = include_str!("../docs/providers.md")]
    struct Providers;
    #[doc = include_str!("../docs/benchmarks.md")]
    struct Benchmarks;
    #[doc = include_str!("../docs/scaling.md")]
    struct Scaling;
    #[doc = include_str!("../docs/side-channels.md")]
    struct SideChannels;
    #[cfg(all(feature = "oauth2", feature = "redis", feature = "uuid"))]
    #[doc = include_str!("../docs/migrating.md")]
    struct Migrating;
    #[cfg(all(feature = "cache", feature = "postgres-tls", feature = "redis-tls"))]
    #[doc = include_str!("../docs/guards.md")]
    struct Guards;
}
