//! The shop behind every mount, and a browser that sends requests to it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use http_body::{Body, Frame};
use oauth_state::observe::{Event, Observers};
use oauth_state::{App, Flow, Provider, Purpose, SingleProcessGuard, testing};
use oauth_state_routes::{Answer, BoxError, LoginRequest, Routes, RoutesBuilder};

/// The user of a request, as a session layer inserts it.
#[derive(Clone)]
pub struct User(pub Option<String>);

impl User {
    /// Reads the header that replaces a session, and removes it, so that a hook can find the user only in the
    /// extensions.
    pub fn take_from(headers: &mut HeaderMap) -> Self {
        Self(headers.remove("x-user").map(|user| user.to_str().unwrap().to_owned()))
    }
}

/// The user of a request: from the extensions, or from the header where a framework has no layers.
pub fn user(request: &LoginRequest) -> Option<String> {
    let header = || request.headers.get("x-user").map(|user| user.to_str().unwrap().to_owned());
    request.extensions.get::<User>().map_or_else(header, |user| user.0.clone())
}

/// The result of looking up a session: the store of one user's session is down.
pub fn lookup(user: Option<String>) -> Result<Option<Vec<u8>>, BoxError> {
    match user.as_deref() {
        Some("store-down") => Err("the session store at 10.0.0.7 does not respond".into()),
        _ => Ok(user.map(String::into_bytes)),
    }
}

/// The result of the exchange: the endpoint refuses one code.
pub fn exchange(form: &[(&str, &str)]) -> Result<(), BoxError> {
    if form.contains(&("code", "refused")) {
        Err("the token endpoint refused client secret 5up3r".into())
    } else {
        Ok(())
    }
}

/// The codes of refusals and the names of failed hooks, as the flow's observers receive them.
pub type Events = Arc<Mutex<Vec<String>>>;

pub fn flow(events: &Events) -> Flow {
    let at_shop = |provider: Provider| {
        let uri = format!("https://shop.example/auth/{}/callback", provider.id());
        provider.client_id("client").redirect_uri(&uri)
    };
    let events = Arc::clone(events);
    let record = move |event: &Event<'_>| {
        let code = match event {
            Event::Refused(refusal) => refusal.code,
            Event::HookFailed { hook, .. } => hook,
            _ => return,
        };
        events.lock().unwrap().push(code.to_owned());
    };
    Flow::builder(App::new("shop", "test").unwrap(), testing::ring(), SingleProcessGuard::with_capacity(1_000))
        .purpose(Purpose::Login)
        .purpose(Purpose::Link)
        .provider(at_shop(Provider::github()))
        .provider(at_shop(Provider::apple())) // its callbacks come by form_post
        .observers(Observers::default().and(record))
        .build()
        .unwrap()
}

/// The routes of every mount whose framework runs the hooks.
pub fn routes<W: Answer<Response<String>>>(flow: Flow) -> Routes<W> {
    let routes: RoutesBuilder<W, ()> = Routes::builder(flow);
    let routes = routes.signed_in_user(|request| async move { lookup(user(&request)) });
    let routes = routes.on_login(|login, request| async move {
        exchange(&login.token_form())?;
        Ok(Response::builder()
            .header("x-purpose", login.origin.purpose.to_string())
            .header("x-seen", request.headers.get("x-probe").cloned().unwrap_or(header::HeaderValue::from_static("-")))
            .header("x-signed-in", user(&request).unwrap_or("-".to_owned()))
            .body("signed in".to_owned())?)
    });
    routes.build().unwrap()
}

/// The body of a request.
pub enum SentBody {
    Whole(VecDeque<Bytes>),
    /// Grows past the limit of a callback, then neither continues nor ends.
    Unending {
        sent: usize,
    },
}

/// More than the 32 KiB of the largest callback.
pub const TOO_LONG: usize = 40 * 1024;

impl SentBody {
    pub fn of(text: &str) -> Self {
        Self::in_frames([text])
    }

    pub fn in_frames<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::Whole(texts.into_iter().map(|text| Bytes::from(text.to_owned())).collect())
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(frames) => Poll::Ready(frames.pop_front().map(|frame| Ok(Frame::data(frame)))),
            Self::Unending { sent } if *sent < TOO_LONG => {
                *sent += 1024;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 1024])))))
            }
            Self::Unending { .. } => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(frames) if frames.is_empty())
    }
}

type Responding = Pin<Box<dyn Future<Output = Response<Bytes>>>>;

/// A mount, and the events of its flow.
pub struct Shop {
    send: Box<dyn Fn(Request<SentBody>) -> Responding>,
    events: Events,
}

/// A login that a browser started.
pub struct Started {
    pub cookie: String,
    pub state: String,
}

impl Shop {
    pub fn new<F: Future<Output = Response<Bytes>> + 'static>(
        events: Events,
        send: impl Fn(Request<SentBody>) -> F + 'static,
    ) -> Self {
        Self { send: Box::new(move |request| Box::pin(send(request))), events }
    }

    pub async fn send(
        &self,
        method: Method,
        address: &str,
        headers: &[(&str, &str)],
        body: SentBody,
    ) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(address).header(header::HOST, "shop.example");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        (self.send)(request.body(body).unwrap()).await
    }

    pub async fn get(&self, address: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.send(Method::GET, address, headers, SentBody::of("")).await
    }

    pub async fn post(&self, address: &str, headers: &[(&str, &str)], body: SentBody) -> Response<Bytes> {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, address, &[headers, &form].concat(), body).await
    }

    /// Starts a link by the form of a page of the shop.
    pub async fn link(&self, headers: &[(&str, &str)]) -> Response<Bytes> {
        let origin = [("origin", "https://shop.example")];
        self.post("/auth/github/link", &[headers, &origin].concat(), SentBody::of("")).await
    }

    pub async fn callback(&self, started: &Started, headers: &[(&str, &str)]) -> Response<Bytes> {
        let address = format!("/auth/github/callback?code=abc&state={}", started.state);
        self.get(&address, &[headers, &[("cookie", started.cookie.as_str())]].concat()).await
    }

    /// The code of the newest refusal, or the hook that failed.
    pub fn last_event(&self) -> String {
        self.events.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

impl Started {
    /// The login that a redirect to a provider started, or, after a POST, a page that leads there.
    pub fn by(response: &Response<Bytes>) -> Self {
        let cookie = text(response, "set-cookie").split(';').next().unwrap().to_owned();
        let address = match response.status().as_u16() {
            303 => text(response, "location").to_owned(),
            status => {
                assert_eq!(status, 200, "{response:?}");
                let (_, rest) = page(response).split_once("content=\"0;url=").unwrap();
                rest.split('"').next().unwrap().replace("&amp;", "&")
            }
        };
        let (_, query) = address.split_once('?').unwrap();
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state").unwrap().1.into_owned();
        Self { cookie, state }
    }
}

/// The value of a response's header.
pub fn text<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

pub fn page(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Runs a test on one thread, as actix-web needs it, and ends it when a response does not come.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    tokio::task::LocalSet::new().block_on(&runtime, limited).expect("no response came");
}
