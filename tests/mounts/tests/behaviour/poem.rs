//! poem, in process.

use std::sync::Arc;

use ::poem::{Body, Endpoint, EndpointExt, Request, Response, Route};
use futures_util::TryStreamExt;
use http_body_util::{BodyDataStream, BodyExt};

use crate::cases::each_case;
use crate::shop::{Events, SentBody, Shop, User, flow, routes};

fn convert(request: http::Request<SentBody>) -> Request {
    let (head, body) = request.into_parts();
    let body = BodyDataStream::new(body).map_err(std::io::Error::other);
    let mut request = Request::builder().method(head.method).uri(head.uri).body(Body::from_bytes_stream(body));
    *request.headers_mut() = head.headers;
    request
}

async fn open() -> Shop {
    let events = Events::default();
    let app = mounts::poem::mount(Route::new(), routes(flow(&events))).before(async |mut request: Request| {
        let user = User::take_from(request.headers_mut());
        request.extensions_mut().insert(user);
        Ok(request)
    });
    let app = Arc::new(app);
    Shop::new(events, move |request| {
        let app = Arc::clone(&app);
        async move {
            let response: http::Response<_> = Response::into(app.get_response(convert(request)).await);
            let (head, body) = response.into_parts();
            http::Response::from_parts(head, BodyExt::collect(body).await.unwrap().to_bytes())
        }
    })
}

each_case!(open);
