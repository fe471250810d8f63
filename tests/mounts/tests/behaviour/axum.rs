//! axum, in process.

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::Request;
use ::axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::cases::each_case;
use crate::shop::{Events, Shop, User, flow, routes};

async fn open() -> Shop {
    let events = Events::default();
    let session = from_fn(async |mut request: Request, next: Next| {
        let user = User::take_from(request.headers_mut());
        request.extensions_mut().insert(user);
        next.run(request).await
    });
    let app = mounts::axum::mount(Router::new(), routes(flow(&events))).layer(session);
    Shop::new(events, move |request| {
        let responding = app.clone().oneshot(request.map(Body::new));
        async move {
            let (head, body) = responding.await.unwrap().into_parts();
            http::Response::from_parts(head, body.collect().await.unwrap().to_bytes())
        }
    })
}

each_case!(open);
