//! The login and callback routes of [`oauth_state`] as a [`tower_service::Service`], for any web framework: [`Routes`]
//! and its parts.
//!
//! In axum, use `oauth-state-axum`, which mounts the routes. In another framework, or without one, hooks return an
//! [`http::Response`] of bytes:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Empty;
//! use oauth_state::testing::{self, block_on};
//! use oauth_state::{App, Flow, Provider, SingleProcessGuard};
//! use oauth_state_routes::LoginRoutes;
//! use tower::ServiceExt;
//!
//! let guard = SingleProcessGuard::with_capacity(1_000_000);
//! let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
//! let routes = LoginRoutes::builder(flow)
//!     .on_login(|_login, _request| async { Ok(Response::new("signed in")) }) // after exchanging the code
//!     .build()?;
//!
//! let request = Request::get("/auth/github").header("host", "shop.example").body(Empty::<Bytes>::new())?;
//! let response = block_on(routes.oneshot(request))?;
//! assert!(response.headers()["location"].to_str()?.starts_with("https://github.com/"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod begin;
mod builder;
mod callback;
mod error;
mod failure;
mod framework;
mod hooks;
mod login_start;
mod outcome_setters;
mod places;
mod provider_started;
mod read_callback;
mod refusals;
mod request;
mod routes;
mod serving;
mod setters;
mod site;
mod steps;
mod task;

pub use builder::RoutesBuilder;
pub use error::RoutesError;
pub use failure::Failure;
pub use framework::{Answer, Framework, Http};
pub use read_callback::read_callback;
pub use request::LoginRequest;
pub use routes::{LoginRoutes, Routes};
pub use site::Site;
pub use steps::{Step, Steps};
pub use task::run_to_completion;

/// The error of a hook: any error, which `?` converts.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
