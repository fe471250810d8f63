//! [`oauth_state`] in axum: a router for login and callback, and what handlers of your own need: an extractor for the callback,
//! responses, and a task that outlives the connection.
//!
//! [`LoginRoutes`] is the short way:
//!
//! ```
//! use axum::response::Redirect;
//! use oauth_state::{App, Flow, Provider, SingleProcessGuard, testing};
//! use oauth_state_axum::LoginRoutes;
//!
//! let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), SingleProcessGuard::with_capacity(10_000));
//! let routes = LoginRoutes::builder(flow)
//!     .provider(Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback"))
//!     .on_login(|login, _request| async move {
//!         let path = login.origin.return_to.map_or("/home".to_owned(), |path| path.to_string());
//!         Redirect::to(&path) // after exchanging login.code
//!     })
//!     .build()?;
//! let app: axum::Router = oauth_state_axum::router(routes);
//! # use tower::ServiceExt;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let begin = http::Request::get("/auth/github").header("host", "shop.example").body(axum::body::Body::empty()).unwrap();
//! let response = app.oneshot(begin).await.unwrap();
//! assert!(response.headers()["location"].to_str().unwrap().starts_with("https://github.com/"));
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! By hand, the two handlers are these:
//!
//! ```
//! use axum::{Router, extract::State, response::{Redirect, Response}, routing::get};
//! use http::HeaderMap;
//! use oauth_state::{BeginError, Binding, Expect, FinishError, LoginOutcome, Flow, Login};
//! use oauth_state_axum::{CallbackRequest, Rejected, run_to_completion, set_no_store, redirect};
//!
//! async fn login(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, Rejected<BeginError>> {
//!     let begun = flow.begin(Binding::cookies(&headers), Login::with("github"))?;
//!     let url = format!(
//!         "https://github.com/login/oauth/authorize?client_id=id&state={}&code_challenge={}&code_challenge_method=S256",
//!         begun.state, begun.code_challenge
//!     );
//!     Ok(redirect(&begun, &url))
//! }
//!
//! async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, Rejected<FinishError>> {
//!     run_to_completion(async move {
//!         let (binding, callback) = request.split();
//!         match flow.finish(binding.cookies(), Expect::provider("github"), callback).await? {
//!             LoginOutcome::Authorized(login) => Ok(set_no_store(Redirect::to("/home"))), // after exchanging login.code
//!             _ => Ok(set_no_store(Redirect::to("/"))),
//!         }
//!     })
//!     .await
//! }
//!
//! let app: Router<Flow> = Router::new().route("/auth/github", get(login)).route("/auth/github/callback", get(callback));
//! # use tower::ServiceExt;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let app = app.with_state(oauth_state::testing::flow());
//! let request = http::Request::get("/auth/github/callback?code=abc").body(axum::body::Body::empty()).unwrap();
//! assert_eq!(app.oneshot(request).await.unwrap().status(), 400); // no state
//! # });
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod callback_request;
mod mount;
mod rejected;

pub use answer::{redirect, set_no_store};
pub use callback_request::{BindingHeaders, CallbackRequest};
pub use mount::{Axum, LoginRoutes, router};
pub use oauth_state_routes::{RoutesBuilder, RoutesError, Site, run_to_completion};
pub use rejected::Rejected;
