//! actix-web has its own header types and runtime: no part of a callback may be lost or added in between.

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, FromRequest, HttpResponse, web};
use oauth_state::{BeginError, Expect, FinishError, Flow, Login};
use oauth_state_actix::{BindingHeaders, CallbackRequest, Rejected, redirect, run_to_completion, set_no_store};
use support::shop::shop;

const NEUTRAL: &str = "This sign-in could not be completed. Please start again.";

async fn login(flow: web::Data<Flow>, headers: BindingHeaders) -> Result<HttpResponse, Rejected<BeginError>> {
    let begun = flow.begin(headers.cookies(), Login::with("apple"))?;
    Ok(redirect(&begun, format!("https://appleid.apple.com/auth/authorize?state={}", begun.state)))
}

async fn callback(flow: web::Data<Flow>, request: CallbackRequest) -> Result<HttpResponse, Rejected<FinishError>> {
    run_to_completion(async move {
        let (headers, callback) = request.split();
        drop(flow.finish(headers.cookies(), Expect::provider("apple"), callback).await?);
        Ok(set_no_store(HttpResponse::Ok().body("signed in")))
    })
    .await
}

/// A request, made of a state and a cookie.
type Asking<'a> = &'a dyn Fn(&str, &str) -> TestRequest;

/// Sends the requests in turn, each with the state and the cookie of one login start.
fn after_begin(requests: &[Asking<'_>]) -> Vec<(u16, String)> {
    let flow = shop().flow;
    actix_web::rt::System::new().block_on(async {
        let app = App::new()
            .app_data(web::Data::new(flow))
            .route("/login", web::get().to(login))
            .route("/callback", web::get().to(callback))
            .route("/callback", web::post().to(callback))
            .route("/callback", web::head().to(callback));
        let app = init_service(app).await;
        let begun: ServiceResponse = call_service(&app, TestRequest::get().uri("/login").to_request()).await;
        assert_eq!(begun.status(), StatusCode::SEE_OTHER);
        let header = |name: &str| begun.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!((header("cache-control"), header("referrer-policy")), ("no-store".into(), "no-referrer".into()));
        let (location, cookie) = (header("location"), header("set-cookie"));
        let state = location.split_once("state=").unwrap().1;
        let cookie = cookie.split(';').next().unwrap();
        let mut answers = Vec::new();
        for request in requests {
            let response = call_service(&app, request(state, cookie).to_request()).await;
            assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
            assert_eq!(response.headers().get("referrer-policy").unwrap(), "no-referrer");
            let status = response.status().as_u16();
            answers.push((status, String::from_utf8(read_body(response).await.to_vec()).unwrap()));
        }
        answers
    })
}

fn get(state: &str) -> TestRequest {
    TestRequest::get().uri(&format!("/callback?code=c&state={state}"))
}

#[test]
fn a_whole_login_by_query_and_the_second_time_refused() {
    let answers = after_begin(&[&|state, cookie| get(state).insert_header(("cookie", cookie)), &|state, cookie| {
        get(state).insert_header(("cookie", cookie))
    }]);
    assert_eq!(answers[0], (200, "signed in".to_owned()));
    let (status, text) = &answers[1];
    assert!(*status == 400 && text.starts_with(&format!("{NEUTRAL}\nReference: ")), "{text}");
}

#[test]
fn a_whole_login_by_form_post() {
    let form = |state: &str, cookie: &str| {
        TestRequest::post()
            .uri("/callback?campaign=spring")
            .insert_header(("cookie", cookie))
            .set_payload(format!("code=c&state={state}"))
    };
    assert_eq!(after_begin(&[&form]), [(200, "signed in".to_owned())]);
}

/// A second set of parameters in the address, which a parser of the address would use as the callback's.
#[test]
fn a_form_post_callback_with_parameters_in_its_address_is_refused() {
    for (query, status) in [("code=x", 400), ("state=y", 400), ("iss=https://evil.example", 400), ("campaign=x", 200)] {
        let form = |state: &str, cookie: &str| {
            let post = TestRequest::post().uri(&format!("/callback?{query}")).insert_header(("cookie", cookie));
            post.set_payload(format!("code=c&state={state}"))
        };
        assert_eq!(after_begin(&[&form])[0].0, status, "{query}");
    }
}

/// Login CSRF: the attacker's genuine link in a browser that did not start the login.
#[test]
fn another_browser_is_refused_and_uses_nothing_up() {
    let other = "__Host-0000000000000000-n-00000000=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let answers = after_begin(&[
        &|state, _| get(state),
        &|state, _| get(state).insert_header(("cookie", other)),
        &|state, cookie| get(state).insert_header(("cookie", cookie)),
    ]);
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [400, 400, 200]);
}

/// A body of a thousand pieces that counts how many were read.
struct Pieces(std::rc::Rc<std::cell::Cell<usize>>);

impl futures_core::Stream for Pieces {
    type Item = Result<web::Bytes, actix_web::error::PayloadError>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.set(self.0.get() + 1);
        std::task::Poll::Ready((self.0.get() <= 1_000).then(|| Ok(web::Bytes::from_static(&[b'x'; 1_000]))))
    }
}

#[test]
fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let taken = std::rc::Rc::new(std::cell::Cell::new(0));
    let pieces: std::pin::Pin<Box<dyn futures_core::Stream<Item = _>>> = Box::pin(Pieces(taken.clone()));
    let mut body = actix_web::dev::Payload::Stream { payload: pieces };
    let request = TestRequest::post().uri("/callback").to_http_request();
    let refused = actix_web::rt::System::new().block_on(CallbackRequest::from_request(&request, &mut body));
    assert_eq!(refused.unwrap_err().0.code(), "too_long");
    assert!(taken.get() <= 34, "{} thousand bytes were read, and a callback has 32,768", taken.get());
}

#[test]
fn head_and_prefetch_consume_nothing() {
    let answers = after_begin(&[
        &|state, cookie| {
            let uri = format!("/callback?code=c&state={state}");
            TestRequest::default().method(actix_web::http::Method::HEAD).uri(&uri).insert_header(("cookie", cookie))
        },
        &|state, cookie| get(state).insert_header(("cookie", cookie)).insert_header(("sec-purpose", "prefetch")),
        &|state, cookie| get(state).insert_header(("cookie", cookie)),
    ]);
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [503, 503, 200]);
}

/// Another application's cookie on the same host may hold any bytes.
#[test]
fn a_cookie_that_is_not_ascii_does_not_hide_ours() {
    let mixed = |state: &str, cookie: &str| {
        let octets = [&b"name=J\xc3\xbcrgen \xff; "[..], cookie.as_bytes(), b"; last=\"\""].concat();
        let value = actix_web::http::header::HeaderValue::from_bytes(&octets).unwrap();
        get(state).insert_header((actix_web::http::header::COOKIE, value))
    };
    assert_eq!(after_begin(&[&mixed]), [(200, "signed in".to_owned())]);
}

/// HTTP/2 splits the `Cookie` header.
#[test]
fn every_cookie_header_is_looked_at() {
    let split = |state: &str, cookie: &str| {
        get(state).append_header(("cookie", "theme=dark")).append_header(("cookie", cookie))
    };
    assert_eq!(after_begin(&[&split]), [(200, "signed in".to_owned())]);
}

/// A client that goes away between the mark and the exchange must not lose the login.
#[test]
fn work_continues_after_the_client_disconnects() {
    let done = std::rc::Rc::new(std::cell::Cell::new(false));
    let finished = std::rc::Rc::clone(&done);
    actix_web::rt::System::new().block_on(async move {
        let mut work = Box::pin(run_to_completion(async move {
            tokio::task::yield_now().await;
            finished.set(true);
        }));
        let _ = std::future::poll_fn(|context| {
            let _ = work.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
        drop(work);
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    });
    assert!(done.get());
}

#[test]
fn every_cookie_of_an_answer_is_kept() {
    let response = http::Response::builder().header("set-cookie", "a=1").header("set-cookie", "b=2").body("").unwrap();
    let answer = oauth_state_actix::answer(response);
    assert_eq!(answer.headers().get_all("set-cookie").count(), 2);
}
