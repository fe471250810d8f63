//! axum: a router for begin and callback, and what it is made of: an extractor for the callback, responses, and a task
//! that outlives the connection.
//!
//! [`LoginRoutes`] is the short way. By hand, the two handlers are these:
//!
//! ```
//! use axum::{Router, extract::State, response::{Redirect, Response}, routing::get};
//! use http::HeaderMap;
//! use oauth_state::adapter::axum::{CallbackRequest, detached, protected, redirect};
//! use oauth_state::{Binding, Expect, Finished, FinishError, Flow, Login};
//!
//! async fn login(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, oauth_state::BeginError> {
//!     let begun = flow.begin(Binding::cookies(&headers), Login::at("github"))?;
//!     let url = format!("https://github.com/login/oauth/authorize?client_id=…&state={}", begun.state);
//!     Ok(redirect(&begun, &url))
//! }
//!
//! async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, FinishError> {
//!     detached(async move {
//!         let (binding, callback) = request.split();
//!         match flow.finish(binding.cookies(), Expect::provider("github"), callback).await? {
//!             Finished::Code(login) => Ok(protected(Redirect::to("/home"))), // after exchanging login.code
//!             _ => Ok(protected(Redirect::to("/"))),
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

mod answer;
mod callback_request;
mod routes;
mod routes_builder;
mod serve;
mod signed_routes;
mod site;

pub use answer::{detached, protected, redirect};
pub use callback_request::{BindingHeaders, CallbackRequest};
pub use routes::{LoginRoutes, RoutesError};
pub use routes_builder::LoginRoutesBuilder;
pub use site::Site;
