//! The routes, mounted in actix-web.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use http_body::Frame;
use oauth_state::{LoginData, LoginOutcome};
use oauth_state_routes::{Answer, BoxError, Framework, LoginRequest, Routes, Step};

use crate::{BindingHeaders, answer_of_bytes, set_no_store};

/// actix-web: [`error_page`](oauth_state_routes::RoutesBuilder::error_page) returns an `http::Response` of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Actix;

impl Framework for Actix {
    type Body = Bytes;
}

impl<B: Into<Bytes>> Answer<http::Response<B>> for Actix {
    fn answer(answer: http::Response<B>) -> http::Response<Bytes> {
        answer.map(Into::into)
    }
}

/// The login and callback routes for actix-web, whose sessions cannot be sent between threads: build them with
/// [`build_steps`](oauth_state_routes::RoutesBuilder::build_steps), and serve them with [`step`].
pub type LoginRoutes = Routes<Actix>;

/// The routes up to the outcome of a login.
pub type Steps<T = ()> = oauth_state_routes::Steps<T, Actix>;

/// The id of the signed-in user that was given to [`step`].
#[derive(Clone)]
struct SignedInUser(Vec<u8>);

/// The user that was given to [`step`], for [`signed_in_user`](oauth_state_routes::RoutesBuilder::signed_in_user).
///
/// # Errors
///
/// None; hooks may have some.
pub async fn signed_in_user(request: LoginRequest) -> Result<Option<Vec<u8>>, BoxError> {
    Ok(request.extensions.get::<SignedInUser>().map(|user| user.0.clone()))
}

/// Serves a request of the routes: a login start completely, a callback up to the outcome of its login. `user` is the
/// user id in your session; it counts only if [`signed_in_user`] is the hook of that name.
///
/// Run it, and the exchange of the code, with [`run_to_completion`](crate::run_to_completion).
///
/// # Errors
///
/// The response, if there is no outcome: a redirect to the provider, a page, or 404 for a path outside the routes.
///
/// # Examples
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse, web};
/// use oauth_state::{App, Flow, LoginOutcome, Provider, SingleProcessGuard, testing};
/// use oauth_state_actix::{LoginRoutes, Steps, run_to_completion, set_no_store, signed_in_user, step};
///
/// async fn auth(steps: web::Data<Steps>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
///     run_to_completion(async move {
///         let user = None; // the id in your session, such as that of actix-session
///         match step(&steps, &request, payload.into_inner(), user).await {
///             Ok(LoginOutcome::Authorized(login)) => set_no_store(HttpResponse::Ok().body("signed in")), // after the exchange
///             Ok(_) => set_no_store(HttpResponse::Ok().body("not signed in")),
///             Err(response) => response,
///         }
///     })
///     .await
/// }
///
/// let github = Provider::github().client_id("id").redirect_uri("https://shop.example/auth/github/callback");
/// let guard = SingleProcessGuard::with_capacity(1_000_000);
/// let flow = Flow::builder(App::new("shop", "production")?, testing::ring(), guard).provider(github).build()?;
/// let steps = LoginRoutes::builder(flow).signed_in_user(signed_in_user).build_steps()?;
/// let app = actix_web::App::new().app_data(web::Data::new(steps)).route("/auth/{path:.*}", web::to(auth));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn step<T: LoginData>(
    steps: &Steps<T>,
    request: &HttpRequest,
    payload: Payload,
    user: Option<Vec<u8>>,
) -> Result<LoginOutcome<T>, HttpResponse> {
    let Ok(mut converted) = convert(request) else { return Err(set_no_store(HttpResponse::BadRequest().finish())) };
    if let Some(user) = user {
        converted.extensions_mut().insert(SignedInUser(user));
    }
    let body = RequestBody(Box::pin(BodyStream::new(payload)));
    match steps.step(converted.map(|()| body)).await {
        Step::Answer(answer) => Err(answer_of_bytes(answer)),
        Step::Finished(outcome) => Ok(outcome),
    }
}

/// The head of a request in the types of the `http` crate, byte for byte.
fn convert(request: &HttpRequest) -> Result<http::Request<()>, http::Error> {
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(request.uri().to_string()).body(())?;
    *converted.headers_mut() = BindingHeaders::from(request).0;
    Ok(converted)
}

/// The body of a request. It stays on its thread.
struct RequestBody(Pin<Box<BodyStream<Payload>>>);

/// The framework's error may hold bytes of the request, and cannot be sent between threads.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request could not be read")]
struct Unreadable;

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Unreadable;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unreadable>>> {
        let next = self.0.as_mut().poll_next(context);
        next.map(|next| next.map(|read| read.map(Frame::data).map_err(|_| Unreadable)))
    }
}
