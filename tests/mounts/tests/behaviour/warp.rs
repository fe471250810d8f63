//! warp, as the service of a filter.

use ::warp::Filter;
use http::header;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::cases::each_case;
use crate::shop::{Events, Shop, User, flow, routes};

async fn open() -> Shop {
    let events = Events::default();
    let session = ::warp::cookie::optional("session").map(User);
    let app = ::warp::service(mounts::warp::mount(routes(flow(&events)), session));
    Shop::new(events, move |mut request| {
        // No header names the user: the filter has to.
        if let User(Some(user)) = User::take_from(request.headers_mut()) {
            let session = format!("session={user}").parse().unwrap();
            request.headers_mut().append(header::COOKIE, session);
        }
        let responding = app.clone().oneshot(request);
        async move {
            let (head, body) = responding.await.unwrap().into_parts();
            http::Response::from_parts(head, body.collect().await.unwrap().to_bytes())
        }
    })
}

each_case!(open);
