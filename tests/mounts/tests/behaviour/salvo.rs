//! salvo, in process.

use std::sync::Arc;

use http::uri::Scheme;
use http_body_util::BodyExt;
use salvo_core::http::ReqBody;
use salvo_core::{Depot, FlowCtrl, Handler, Request, Response, Router, Service, async_trait};

use crate::cases::each_case;
use crate::shop::{Events, Shop, User, flow, routes};

struct Session;

#[async_trait]
impl Handler for Session {
    async fn handle(&self, request: &mut Request, depot: &mut Depot, response: &mut Response, next: &mut FlowCtrl) {
        let user = User::take_from(request.headers_mut());
        request.extensions_mut().insert(user);
        next.call_next(request, depot, response).await;
    }
}

async fn open() -> Shop {
    let events = Events::default();
    let app = Router::new().hoop(Session).push(mounts::salvo::mount(routes(flow(&events))));
    let app = Arc::new(Service::new(app));
    Shop::new(events, move |request| {
        let request = request
            .map(|body| ReqBody::Boxed { inner: Box::pin(body.map_err(|never| match never {})), fusewire: None });
        // The handler that its server calls.
        let address = || salvo_core::conn::SocketAddr::Unknown;
        let handler = app.hyper_handler(address(), address(), Scheme::HTTPS, None, None);
        async move {
            let mut response = handler.handle(Request::from_hyper(request, Scheme::HTTPS)).await;
            let body = response.take_body().collect().await.unwrap().to_bytes();
            let mut read = http::Response::new(body);
            *read.status_mut() = response.status_code.unwrap();
            *read.headers_mut() = response.headers().clone();
            read
        }
    })
}

each_case!(open);
