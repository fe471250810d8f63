//! AWS Lambda, without Lambda: the tests cannot start its runtime. They send events of API Gateway, as JSON, through the
//! `Adapter` that `lambda_http::run` puts in front of the routes, and read the response as JSON.

use bytes::Bytes;
use http::{HeaderName, Response};
use http_body_util::BodyExt;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use oauth_state_routes::LoginRoutes;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::cases::each_case;
use crate::shop::{Events, SentBody, Shop, TOO_LONG, flow, routes};

/// The event of an HTTP API, payload format version 2.0, with the route `$default`.
async fn event(request: http::Request<SentBody>) -> Value {
    let (head, body) = request.into_parts();
    let body = match body {
        // API Gateway sends the whole body in the event, so this one does end.
        SentBody::Unending { .. } => "a".repeat(TOO_LONG),
        whole => String::from_utf8(whole.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
    };
    let header = |name: &HeaderName| head.headers[name].to_str().unwrap().to_owned();
    let headers: Map<_, _> = head.headers.keys().map(|name| (name.to_string(), header(name).into())).collect();
    let cookies: Vec<String> =
        head.headers.get("cookie").iter().map(|cookie| cookie.to_str().unwrap().into()).collect();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": head.uri.path(),
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "cookies": cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "shop.example",
            "domainPrefix": "shop",
            "http": {
                "method": head.method.as_str(),
                "path": head.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// Reads the function's response as API Gateway does.
fn read(response: &Value) -> Response<Bytes> {
    let status = u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap();
    let headers = [&response["headers"], &response["multiValueHeaders"]].into_iter().filter_map(Value::as_object);
    let mut read = Response::builder().status(status);
    for (name, value) in headers.flatten() {
        for value in value.as_array().map_or(vec![value], |values| values.iter().collect()) {
            read = read.header(name, value.as_str().unwrap());
        }
    }
    for cookie in response["cookies"].as_array().into_iter().flatten() {
        read = read.header("set-cookie", cookie.as_str().unwrap());
    }
    assert_eq!(response["isBase64Encoded"], false);
    read.body(Bytes::from(response["body"].as_str().unwrap_or_default().to_owned())).unwrap()
}

async fn open() -> Shop {
    let events = Events::default();
    let adapter = Adapter::from(routes(flow(&events)) as LoginRoutes);
    Shop::new(events, move |request| {
        let adapter = adapter.clone();
        async move {
            let payload: LambdaRequest = serde_json::from_value(event(request).await).unwrap();
            let response = adapter.oneshot(LambdaEvent::new(payload, Context::default())).await.unwrap();
            read(&serde_json::to_value(response).unwrap())
        }
    })
}

each_case!(open);

/// The mount is not awaited: it needs the environment of a function.
#[test]
fn the_lambda_runtime_accepts_the_mount() {
    let _serving = mounts::lambda::serve(routes(flow(&Events::default())));
}
