//! A browser without a window: a cookie jar that respects `SameSite`, redirects, and forms that post themselves.

use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use oauth2::reqwest;
use url::{Url, form_urlencoded};

use super::Failure;
use super::log::{Entry, Log};
use super::wire::read_form;

/// The service's response to a request.
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The target of a redirect, or nothing.
    pub location: String,
    /// The codes that the service logged meanwhile.
    pub code: String,
    /// The error that it logged.
    pub error: String,
}

/// The request that brings the provider's response to the service.
#[derive(Clone)]
pub enum Callback {
    Get(Url),
    Post(Url, Vec<(String, String)>),
}

impl Callback {
    /// A parameter, or an empty text.
    pub fn parameter(&self, name: &str) -> String {
        let found = match self {
            Self::Get(address) => {
                address.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
            }
            Self::Post(_, fields) => fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        };
        found.unwrap_or_default()
    }

    /// The same with another value for a parameter; an empty value removes it.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let change = |pairs: Vec<(String, String)>| -> Vec<(String, String)> {
            let kept = pairs.into_iter().filter(|(known, _)| known != name);
            let new = Some((name.to_owned(), value.to_owned())).filter(|_| !value.is_empty());
            kept.chain(new).collect()
        };
        match self {
            Self::Get(address) => {
                let pairs = change(address.query_pairs().map(|(a, b)| (a.into_owned(), b.into_owned())).collect());
                let mut address = address.clone();
                address.query_pairs_mut().clear().extend_pairs(pairs);
                Self::Get(address)
            }
            Self::Post(address, fields) => Self::Post(address.clone(), change(fields.clone())),
        }
    }

    /// The same for another path of the service.
    pub fn at(&self, path: &str) -> Self {
        let mut callback = self.clone();
        let (Self::Get(address) | Self::Post(address, _)) = &mut callback;
        address.set_path(path);
        callback
    }

    /// With one character of the state changed, in its encrypted middle.
    pub fn with_one_character_changed(&self) -> Self {
        let state = self.parameter("state");
        let middle = state.len() / 2;
        let change = |(position, old)| if position == middle { if old == 'A' { 'B' } else { 'A' } } else { old };
        self.with("state", &state.chars().enumerate().map(change).collect::<String>())
    }
}

struct Cookie {
    host: String,
    name: String,
    value: String,
    /// `SameSite=None`: also sent with another site's POST.
    cross_site: bool,
}

/// One user's browser.
pub struct UserAgent {
    cookies: Vec<Cookie>,
    http: reqwest::Client,
    log: Log,
    /// Host names with several servers, as in DNS: each request goes to the next one.
    servers: Vec<(String, Vec<String>)>,
    turn: usize,
    /// The server of the last request to such a name.
    pub last_server: String,
}

impl UserAgent {
    /// A browser with an empty jar.
    pub fn new(log: &Log) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .no_proxy()
            .build()?;
        Ok(Self {
            cookies: Vec::new(),
            http,
            log: log.clone(),
            servers: Vec::new(),
            turn: 0,
            last_server: String::new(),
        })
    }

    /// A browser in which this user is signed in at the provider; `deny` declines there.
    pub fn of(person: &str, provider: &str, log: &Log) -> Result<Self, Failure> {
        let mut agent = Self::new(log)?;
        agent.keep(&Url::parse(provider)?, &format!("person={person}; Path=/; Secure; SameSite=None"));
        Ok(agent)
    }

    /// Adds an address with several servers.
    pub fn with_servers(mut self, public: &str, servers: &[String]) -> Self {
        self.servers.push((public.to_owned(), servers.to_vec()));
        self
    }

    /// Clicks "sign in": returns the provider's address to which the service redirects.
    pub async fn begin(&mut self, start: &str) -> Result<Url, Failure> {
        let answer = self.get(&Url::parse(start)?).await?;
        if answer.status != 303 {
            return Err(format!("sign-in did not begin: {} {}", answer.status, answer.body).into());
        }
        Ok(Url::parse(&answer.location)?)
    }

    /// Authorizes at the provider, or declines, and returns the request that brings the response back, without sending
    /// it.
    pub async fn authorize(&mut self, request: &Url) -> Result<Callback, Failure> {
        let answer = self.get(request).await?;
        match StatusCode::from_u16(answer.status)? {
            StatusCode::OK => read_form(&answer.body).map(|(address, fields)| Callback::Post(address, fields)),
            status if status.is_redirection() => Ok(Callback::Get(Url::parse(&answer.location)?)),
            status => Err(format!("the provider shows a page: {status} {}", answer.body).into()),
        }
    }

    /// Signs in up to the callback.
    pub async fn callback(&mut self, start: &str) -> Result<Callback, Failure> {
        let request = self.begin(start).await?;
        self.authorize(&request).await
    }

    /// Sends the callback to the service.
    pub async fn open(&mut self, callback: &Callback) -> Result<Answer, Failure> {
        match callback {
            Callback::Get(address) => self.get(address).await,
            // It comes from the provider's page, which is another site.
            Callback::Post(address, fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let server = self.server(address)?;
                let request = self.http.post(server).body(body);
                let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ORIGIN, "null");
                self.send(address, request.header("sec-fetch-site", "cross-site"), true).await
            }
        }
    }

    /// Opens an address.
    pub async fn get(&mut self, address: &Url) -> Result<Answer, Failure> {
        let server = self.server(address)?;
        let request = self.http.get(server);
        self.send(address, request, false).await
    }

    /// Sends JSON, as a program that is no browser: no cookies, no navigation.
    pub async fn post_json(&mut self, address: &Url, body: &serde_json::Value) -> Result<Answer, Failure> {
        let request = self.http.post(address.clone()).header(CONTENT_TYPE, "application/json");
        self.receive(address, request.body(body.to_string())).await
    }

    /// Whether a service has left a cookie here.
    pub fn has_cookie_of(&self, address: &Url) -> bool {
        self.cookies.iter().any(|cookie| Some(cookie.host.as_str()) == address.host_str())
    }

    /// Removes the cookies that would be sent with another site's POST, as a browser that blocks such cookies.
    pub fn block_cross_site_cookies(&mut self) {
        for cookie in &mut self.cookies {
            cookie.cross_site = false;
        }
    }

    async fn send(
        &mut self,
        address: &Url,
        request: reqwest::RequestBuilder,
        cross_site_post: bool,
    ) -> Result<Answer, Failure> {
        let host = address.host_str().unwrap_or_default();
        let sent = self.cookies.iter().filter(|cookie| cookie.host == host && (cookie.cross_site || !cross_site_post));
        let line: Vec<String> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let authority = address.authority().to_owned();
        let mut request = request.header("host", authority);
        request = request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
        if !line.is_empty() {
            request = request.header(COOKIE, line.join("; "));
        }
        self.receive(address, request).await
    }

    async fn receive(&mut self, address: &Url, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        self.log.take();
        let response = request.send().await?;
        for header in response.headers().get_all(SET_COOKIE) {
            self.keep(address, header.to_str()?);
        }
        let location = response.headers().get(LOCATION).map(|value| value.to_str()).transpose()?;
        let (status, location) = (response.status().as_u16(), location.unwrap_or_default().to_owned());
        let body = response.text().await?;
        let Entry { code, error } = self.log.take();
        Ok(Answer { status, body, location, code, error })
    }

    /// Keeps a cookie according to RFC 6265bis: `__Host-` is accepted only with `Secure` and `Path=/` and without
    /// `Domain`.
    fn keep(&mut self, address: &Url, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
        let has_domain = attributes.iter().any(|attribute| attribute.starts_with("domain="));
        let cross_site = has("samesite=none");
        let breaks_the_prefix = name.starts_with("__Host-") && (!has("secure") || !has("path=/") || has_domain);
        if breaks_the_prefix || (cross_site && !has("secure")) {
            return;
        }
        // Cookies ignore the port.
        let host = address.host_str().unwrap_or_default().to_owned();
        self.cookies.retain(|cookie| cookie.host != host || cookie.name != name);
        self.cookies.push(Cookie { host, name: name.to_owned(), value: value.to_owned(), cross_site });
    }

    /// The actual server of a request.
    fn server(&mut self, address: &Url) -> Result<Url, Failure> {
        let origin = address.origin().ascii_serialization();
        let Some((_, servers)) = self.servers.iter().find(|(public, _)| *public == origin) else {
            return Ok(address.clone());
        };
        let turn = self.turn.checked_rem(servers.len()).unwrap_or_default();
        self.turn = self.turn.wrapping_add(1);
        let server = servers.get(turn).ok_or("an address without a server")?;
        self.last_server.clone_from(server);
        Ok(Url::parse(&address.as_str().replacen(&origin, server, 1))?)
    }
}
