//! hyper, over a loopback socket.

use ::hyper::client::conn::http1::handshake;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::cases::each_case;
use crate::shop::{Events, Shop, flow, routes};

async fn open() -> Shop {
    let events = Events::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(mounts::hyper::serve(listener, routes(flow(&events))));
    Shop::new(events, move |request| async move {
        let connection = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut client, connection) = handshake(connection).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = client.send_request(request).await.unwrap().into_parts();
        http::Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    })
}

each_case!(open);
