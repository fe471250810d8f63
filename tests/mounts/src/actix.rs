//! actix-web, with `actix-session`.

use actix_session::Session;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use oauth_state::LoginOutcome;
use oauth_state_actix::{Steps, run_to_completion, step};

/// Adds the routes. Build `steps` with `.signed_in_user(oauth_state_actix::signed_in_user).build_steps()`. The session holds
/// the id of the signed-in user under `user`; `respond` exchanges the code and opens the session.
pub fn mount<F: Future<Output = HttpResponse> + 'static>(
    app: &mut ServiceConfig,
    steps: Steps,
    respond: impl Fn(LoginOutcome<()>, HttpRequest, Session) -> F + Clone + 'static,
) {
    let serve = move |request: HttpRequest, payload: Payload, session: Session| {
        let (steps, respond) = (steps.clone(), respond.clone());
        run_to_completion(async move {
            let user = session.get::<String>("user").unwrap_or_default().map(String::into_bytes);
            match step(&steps, &request, payload.into_inner(), user).await {
                Ok(outcome) => respond(outcome, request, session).await,
                Err(response) => response,
            }
        })
    };
    app.route("/auth/{path:.*}", web::to(serve));
}
