//! actix-web, in process, with the sessions of `actix-session`. `build_steps` runs no `on_login`: the application responds
//! to the outcome itself.

use std::rc::Rc;

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::body::{MessageBody, to_bytes};
use actix_web::cookie::Key;
use actix_web::dev::{Payload, Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse};
use bytes::Bytes;
use http_body_util::{BodyDataStream, BodyExt};
use oauth_state::{Flow, LoginOutcome};
use oauth_state_actix::{LoginRoutes, Steps, set_no_store, signed_in_user};

use crate::cases::each_case;
use crate::shop::{Events, Shop, exchange, flow, lookup};

fn steps(flow: Flow) -> Steps {
    let routes = LoginRoutes::builder(flow).signed_in_user(|request| async move {
        let user = signed_in_user(request).await?;
        lookup(user.map(String::from_utf8).transpose()?)
    });
    routes.build_steps().unwrap()
}

async fn respond(outcome: LoginOutcome<()>, request: HttpRequest, session: Session) -> HttpResponse {
    let LoginOutcome::Authorized(login) = outcome else { return HttpResponse::BadRequest().finish() };
    if exchange(&login.token_form()).is_err() {
        return set_no_store(HttpResponse::InternalServerError().body("Please try again."));
    }
    let signed_in = session.get::<String>("user").unwrap().unwrap_or("-".to_owned());
    if signed_in == "-" {
        session.insert("user", "ann").unwrap();
    }
    let seen = request.headers().get("x-probe").map_or("-", |value| value.to_str().unwrap());
    let mut response = HttpResponse::Ok();
    response.insert_header(("x-purpose", login.origin.purpose.to_string()));
    response.insert_header(("x-seen", seen)).insert_header(("x-signed-in", signed_in));
    set_no_store(response.body("signed in"))
}

async fn sign_in(user: Path<String>, session: Session) -> HttpResponse {
    session.insert("user", user.as_str()).unwrap();
    HttpResponse::Ok().finish()
}

/// A response in the types of the `http` crate.
async fn convert(response: ServiceResponse<impl MessageBody>) -> http::Response<Bytes> {
    let mut converted = http::Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    let body = to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("the body of a response"));
    converted.body(body).unwrap()
}

/// Opens the shop. The cases name the user of a session in a header; here, that user signs in first and sends the session's
/// cookie.
pub async fn open() -> Shop {
    let events = Events::default();
    let (steps, key) = (steps(flow(&events)), Key::generate());
    let configure = move |config: &mut ServiceConfig| mounts::actix::mount(config, steps, respond);
    let sessions = SessionMiddleware::new(CookieSessionStore::default(), key);
    let app = App::new().configure(configure).route("/sign-in/{user}", web::to(sign_in)).wrap(sessions);
    let app = Rc::new(init_service(app).await);
    Shop::new(events, move |request| {
        let app = Rc::clone(&app);
        async move {
            let (head, body) = request.into_parts();
            let uri = head.uri.to_string();
            let mut request = TestRequest::with_uri(&uri).method(head.method.as_str().parse().unwrap());
            for (name, value) in head.headers.iter().filter(|(name, _)| *name != "x-user") {
                request = request.append_header((name.as_str(), value.as_bytes()));
            }
            if let Some(user) = head.headers.get("x-user") {
                let sign_in = TestRequest::with_uri(&format!("/sign-in/{}", user.to_str().unwrap())).to_request();
                let response = app.call(sign_in).await.unwrap();
                let cookie = response.response().cookies().next().unwrap();
                request = request.append_header(("cookie", format!("{}={}", cookie.name(), cookie.value())));
            }
            let body = BodyDataStream::new(body.map_err(|never| match never {}));
            let payload: Payload = Payload::Stream { payload: Box::pin(body) };
            let (request, _) = request.to_request().replace_payload(payload);
            convert(app.call(request).await.unwrap()).await
        }
    })
}

each_case!(open);
