//! [`oauth_state`] in axum: a router for login and callback, and the parts for your own handlers: an extractor for the
//! callback, responses, and a task that outlives the connection.
//!
//! [`LoginRoutes`] is the short way:
//!
//! ```
//! use axum::response::Redirect;
//! use oauth_state::testing::{self, block_on};
//! use oauth_state::{App, Flow, Provider, SingleProcessGuard};
//! use oauth_state_axum::LoginRoutes;
//! # use tower::ServiceExt;
//!
//! let guard = SingleProcessGuard::with_capacity(1_000_000);
//! let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
//! let routes = LoginRoutes::builder(flow)
//!     .on_login(|login, _request| async move {
//!         let path = login.origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
//!         Ok(Redirect::to(&path)) // after exchanging login.code
//!     })
//!     .build()?;
//! let app: axum::Router = oauth_state_axum::router(routes);
//!
//! let request = http::Request::get("/auth/github").header("host", "shop.example").body(axum::body::Body::empty())?;
//! let response = block_on(app.oneshot(request))?;
//! assert!(response.headers()["location"].to_str()?.starts_with("https://github.com/"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same with two handlers of your own:
//!
//! ```
//! use axum::{Router, extract::State, response::{Redirect, Response}, routing::get};
//! use http::HeaderMap;
//! use oauth_state::testing::{self, block_on};
//! use oauth_state::{App, BeginError, Binding, Expect, FinishError, Flow, Login, LoginOutcome};
//! use oauth_state::{Provider, SingleProcessGuard};
//! use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
//! # use tower::ServiceExt;
//!
//! async fn login(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, Rejected<BeginError>> {
//!     let request = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
//!     Ok(redirect(&request, request.url()?))
//! }
//!
//! async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, Rejected<FinishError>> {
//!     run_to_completion(async move {
//!         let (headers, callback) = request.split();
//!         match flow.finish(headers.cookies(), Expect::provider("github"), callback).await? {
//!             // After exchanging login.code.
//!             LoginOutcome::Authorized(login) => Ok(set_no_store(Redirect::to("/home"))),
//!             _ => Ok(set_no_store(Redirect::to("/"))),
//!         }
//!     })
//!     .await
//! }
//!
//! let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
//! let guard = SingleProcessGuard::with_capacity(1_000_000);
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
//! let app = Router::new()
//!     .route("/auth/github", get(login))
//!     .route("/auth/github/callback", get(callback).post(callback)) // POST is for form_post
//!     .with_state(flow);
//!
//! let request = http::Request::get("/auth/github").header("host", "shop.example").body(axum::body::Body::empty())?;
//! let response = block_on(app.oneshot(request))?;
//! assert!(response.headers()["location"].to_str()?.contains("&code_challenge_method=S256"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod callback_request;
mod mount;
mod rejected;

pub use answer::{redirect, set_no_store};
pub use callback_request::{BindingHeaders, CallbackRequest};
pub use mount::{Axum, LoginRoutes, router};
pub use oauth_state_routes::{BoxError, Failure, LoginRequest, RoutesBuilder, RoutesError, Site, run_to_completion};
pub use rejected::{JsonRejected, Rejected};
