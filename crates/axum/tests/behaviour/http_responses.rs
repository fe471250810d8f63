//! The responses of the adapters: the status, the headers that keep an address from leaking, and no internal text.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use oauth_state::observe::Reference;
use oauth_state::{BeginError, Binding, Expect, FinishError, Flow, Login};
use oauth_state_axum::{CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use support::shop::{Browser, block_on, shop};
use tower::ServiceExt;

async fn login(State(flow): State<Flow>, headers: HeaderMap) -> Result<Response, Rejected<BeginError>> {
    let begun = flow.begin(Binding::cookies(&headers), Login::with("apple"))?;
    Ok(redirect(&begun, format!("https://appleid.apple.com/auth/authorize?state={}", begun.state)))
}

async fn callback(State(flow): State<Flow>, request: CallbackRequest) -> Result<Response, Rejected<FinishError>> {
    run_to_completion(async move {
        let (headers, callback) = request.split();
        let finished = flow.finish(headers.cookies(), Expect::provider("apple"), callback).await?;
        drop(finished);
        Ok(set_no_store("signed in"))
    })
    .await
}

fn app(flow: &Flow) -> Router {
    Router::new().route("/login", get(login)).route("/callback", get(callback).post(callback)).with_state(flow.clone())
}

fn ask(flow: &Flow, request: http::request::Builder, body: &str) -> (StatusCode, HeaderMap, String) {
    block_on(async {
        let response = app(flow).oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    })
}

#[test]
fn a_whole_login_by_form_post_through_axum() {
    let shop = shop();
    let (status, headers, _) = ask(&shop.flow, Request::get("/login"), "");
    assert_eq!(status, 303);
    assert_eq!(
        (&headers["cache-control"], &headers["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );
    let state = headers["location"].to_str().unwrap().split_once("state=").unwrap().1.to_owned();
    let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let form = format!("state={state}&code=c&user=%7B%7D");
    let post = || Request::post("/callback").header("cookie", &cookie);
    let (_, headers, text) = ask(&shop.flow, post(), &form);
    assert_eq!(text, "signed in");
    assert_eq!(
        (&headers["cache-control"], &headers["referrer-policy"]),
        (&"no-store".parse().unwrap(), &"no-referrer".parse().unwrap())
    );

    let (status, headers, text) = ask(&shop.flow, post(), &form);
    let public =
        format!("This sign-in could not be completed. Please start again.\nReference: {}\n", Reference::of(&state));
    assert_eq!((status.as_u16(), text), (400, public));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

#[test]
fn head_through_a_get_route_consumes_nothing() {
    let shop = shop();
    let mut browser = Browser::default();
    let begun = browser.begin(&shop, Login::with("apple"));
    let uri = format!("/callback?code=c&state={}", begun.state);
    let (name, value) = &browser.jar()[0];
    let cookie = format!("{name}={value}");
    let (status, headers, _) = ask(&shop.flow, Request::head(&uri).header("cookie", &cookie), "");
    assert_eq!((status.as_u16(), &headers["cache-control"]), (503, &"no-store".parse().unwrap()));
    let prefetch = Request::get(&uri).header("cookie", &cookie).header("sec-purpose", "prefetch");
    assert_eq!(ask(&shop.flow, prefetch, "").0, 503);
    assert_eq!(shop.guard.calls(), 0);
    assert_eq!(ask(&shop.flow, Request::get(&uri).header("cookie", &cookie), "").0, 200);
}

#[test]
fn refusals_say_nothing_of_the_reason_and_a_huge_body_is_not_read() {
    let shop = shop();
    let public = "This sign-in could not be completed. Please start again.";
    for (request, body) in [
        (Request::get("/callback"), String::new()),
        (Request::get("/callback?state=ost1&code=c"), String::new()),
        (Request::get("/callback?error=%3Cscript%3E&error_description=%3Cscript%3E"), String::new()),
        (Request::post("/callback"), "x".repeat(1_000_000)),
    ] {
        let (status, _, text) = ask(&shop.flow, request, &body);
        assert_eq!((status.as_u16(), text.lines().next()), (400, Some(public)));
    }
    let not_begun = Request::get("/login").header("sec-fetch-mode", "cors");
    assert_eq!(ask(&shop.flow, not_begun, "").0, 400);
}

#[test]
fn an_address_that_is_invalid_in_a_header_is_not_redirected_to() {
    let begun = shop().flow.begin(Binding::cookie_headers([]), Login::with("github")).unwrap();
    let response = redirect(&begun, "https://idp.example/\r\nset-cookie: a=b");
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key("set-cookie"));
}

/// A client that goes away between the mark and the exchange must not lose the login.
#[test]
fn work_continues_after_the_client_disconnects() {
    let (send, receive) = std::sync::mpsc::channel();
    block_on(async {
        let (begun, wait) = tokio::sync::oneshot::channel::<()>();
        let work = run_to_completion(async move {
            let _ = begun.send(());
            tokio::task::yield_now().await;
            send.send(42).unwrap();
        });
        let mut work = Box::pin(work);
        let _ = std::future::poll_fn(|context| {
            let _ = work.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
        drop(work);
        wait.await.unwrap();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    });
    assert_eq!(receive.try_recv(), Ok(42));
}
