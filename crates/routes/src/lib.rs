//! Login and callback of [`oauth_state`] as a [`tower_service::Service`], for any web framework: [`Routes`], and the parts
//! that it is made of.
//!
//! Applications of axum take `oauth-state-axum`, which mounts it. Without a framework, or in another one, hooks answer with an
//! [`http::Response`] of bytes:
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::Empty;
//! use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
//! use oauth_state_routes::LoginRoutes;
//! use tower::ServiceExt;
//!
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), SingleProcessGuard::with_capacity(10_000));
//! let routes = LoginRoutes::builder(flow)
//!     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
//!     .on_login(|_login, _request| async { Response::new("signed in") }) // after exchanging the code
//!     .build()?;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let begin = Request::get("/auth/github").header("host", "shop.example").body(Empty::<bytes::Bytes>::new())?;
//! let response = routes.oneshot(begin).await?;
//! assert_eq!(response.status(), 303);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod error;
mod framework;
mod hooks;
mod read_callback;
mod routes;
mod serve;
mod setters;
mod signed_routes;
mod site;
mod task;

pub use builder::RoutesBuilder;
pub use error::RoutesError;
pub use framework::{Answer, Framework, Http};
pub use read_callback::read_callback;
pub use routes::{LoginRoutes, Routes};
pub use site::Site;
pub use task::run_to_completion;
