//! axum: a hook responds with a stream.

use std::convert::Infallible;

use ::axum::Router;
use ::axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use oauth_state_axum::LoginRoutes;
use tokio::sync::{Mutex, mpsc};
use tower::ServiceExt;

use crate::shop::{Events, SentBody, Started, flow, run};

#[test]
fn a_form_post_is_answered_with_a_stream_whose_chunks_arrive_one_by_one() {
    run(async {
        let (chunks, received) = mpsc::channel::<&'static str>(1);
        let received = std::sync::Arc::new(Mutex::new(received));
        let routes = LoginRoutes::builder(flow(&Events::default())).on_login(move |_login, _request| {
            let received = std::sync::Arc::clone(&received);
            async move {
                let received = received.lock_owned().await;
                let stream = stream::unfold(received, |mut received| async {
                    let chunk = received.recv().await?;
                    Some((Ok::<_, Infallible>(chunk), received))
                });
                Ok(Response::new(Body::from_stream(stream)))
            }
        });
        let app = mounts::axum::mount(Router::new(), routes.build().unwrap());

        let start = Request::get("/auth/apple").header("host", "shop.example").body(Body::empty()).unwrap();
        let started = Started::by(&app.clone().oneshot(start).await.unwrap().map(|_| Bytes::new()));
        // The service reads the body of the form_post itself: in frames, without a Content-Length.
        let form = ["code=abc", "&state=", &started.state];
        let callback = Request::post("/auth/apple/callback")
            .header("host", "shop.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", started.cookie)
            .body(Body::new(SentBody::in_frames(form)))
            .unwrap();
        let response = app.oneshot(callback).await.unwrap();
        assert_eq!(response.status(), 200);

        // Each chunk arrives before the next one exists.
        let mut body = response.into_body();
        for chunk in ["one", "two"] {
            chunks.send(chunk).await.unwrap();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), chunk);
        }
        drop(chunks);
        assert!(body.frame().await.is_none());
    });
}
