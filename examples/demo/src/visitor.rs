//! A browser without a window: a cookie jar, redirects, and the two forms of the demonstration.

use http::Uri;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};

use crate::{Failure, http_client};

/// A page that the visitor sees.
pub struct Page {
    pub html: String,
    /// `data-outcome` of the page.
    pub outcome: String,
    /// `data-server` of the page: the server that made it.
    pub server: String,
    /// `data-begun-on` of the page.
    pub begun_on: String,
}

/// One user's browser.
#[derive(Default)]
pub struct Visitor {
    /// Name and value: every address of the demonstration is on one host, and cookies do not mind the port.
    cookies: Vec<(String, String)>,
}

impl Visitor {
    /// Clicks "sign in" and comes to the provider's page; gives the authorization request's query.
    pub async fn begin(&mut self, public: &str) -> Result<(Uri, String), Failure> {
        let response = self.get(&format!("{public}/login").parse()?).await?;
        let address = location(&response)?;
        let query = address.query().unwrap_or_default().to_owned();
        Ok((address, query))
    }

    /// Answers on the provider's page and gives the callback's address, without opening it.
    pub async fn decide(&mut self, provider: &Uri, query: &str, subject: &str) -> Result<Uri, Failure> {
        let form = serde_urlencoded::to_string([("request", query), ("subject", subject)])?;
        let request = http::Request::post(at(provider, "/decide")?)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_bytes())?;
        location(&http_client::send(request).await?)
    }

    /// Signs in as far as the callback's address.
    pub async fn callback_address(&mut self, public: &str, subject: &str) -> Result<Uri, Failure> {
        let (provider, query) = self.begin(public).await?;
        self.decide(&provider, &query, subject).await
    }

    /// Opens an address and reads what the page says.
    pub async fn open(&mut self, address: &Uri) -> Result<Page, Failure> {
        let response = self.get(address).await?;
        let html = String::from_utf8(response.into_body())?;
        let [outcome, server, begun_on] =
            ["data-outcome", "data-server", "data-begun-on"].map(|name| attribute(&html, name));
        Ok(Page { html, outcome, server, begun_on })
    }

    async fn get(&mut self, address: &Uri) -> Result<http::Response<Vec<u8>>, Failure> {
        let host = address.authority().ok_or("an address without a host")?;
        let mut request = http::Request::new(Vec::new());
        *request.uri_mut() = address.clone();
        request.headers_mut().insert(HOST, host.as_str().parse()?);
        for (name, value) in [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")] {
            request.headers_mut().insert(name, value.parse()?);
        }
        if !self.cookies.is_empty() {
            let line: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(COOKIE, line.join("; ").parse()?);
        }
        let response = http_client::send(request).await?;
        for header in response.headers().get_all(SET_COOKIE) {
            let pair = header.to_str()?.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.retain(|(known, _)| known != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(response)
    }
}

fn location(response: &http::Response<Vec<u8>>) -> Result<Uri, Failure> {
    let location = response.headers().get(LOCATION);
    let location = location.ok_or_else(|| {
        let text = String::from_utf8_lossy(response.body()).chars().take(200).collect::<String>();
        format!("expected a redirect, got {}: {text}", response.status())
    })?;
    Ok(location.to_str()?.parse()?)
}

/// Another path of the same origin.
fn at(address: &Uri, path: &str) -> Result<Uri, Failure> {
    let mut parts = address.clone().into_parts();
    parts.path_and_query = Some(path.parse()?);
    Ok(Uri::from_parts(parts)?)
}

/// The value of an attribute that the pages write once, without characters that need escaping.
pub fn attribute(html: &str, name: &str) -> String {
    let rest = html.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}
