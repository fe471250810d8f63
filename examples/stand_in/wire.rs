//! The requests to a stand-in, and its responses.

use std::collections::HashMap;

use axum::Json;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Failure;

/// The parameters of a request, each at most once (RFC 6749 section 3.1).
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Parses a query or a form; fails if a parameter comes twice.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(parameters))
    }

    /// A parameter, or an empty text if it is missing (RFC 6749 section 3.1 treats the two alike).
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// A response to the authorization request.
pub enum Reply {
    /// A page of the provider: the user agent is not redirected.
    Page(StatusCode, String),
    /// Back to the client by GET.
    Query(String, Vec<(&'static str, String)>),
    /// Back to the client by a form that posts itself.
    FormPost(String, Vec<(&'static str, String)>),
}

impl Reply {
    /// An error that is shown here and not sent to the client (RFC 6749 section 4.1.2.1).
    pub fn page(text: &str) -> Self {
        Self::Page(StatusCode::BAD_REQUEST, text.to_owned())
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Page(status, text) => (status, text).into_response(),
            Self::Query(address, parameters) => match Url::parse(&address) {
                Ok(mut address) => {
                    address.query_pairs_mut().extend_pairs(parameters);
                    Redirect::to(address.as_str()).into_response()
                }
                Err(_) => (StatusCode::BAD_REQUEST, "redirect_uri is not an address").into_response(),
            },
            Self::FormPost(address, parameters) => {
                let field = |(name, value): (&str, String)| {
                    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escaped(&value))
                };
                let fields: String = parameters.into_iter().map(field).collect();
                let address = escaped(&address);
                Html(format!(
                    "<body onload=\"document.forms[0].submit()\">\n<form method=\"post\" action=\"{address}\">\n{fields}</form>"
                ))
                .into_response()
            }
        }
    }
}

const ESCAPES: [(&str, &str); 4] = [("&", "&amp;"), ("\"", "&quot;"), ("<", "&lt;"), (">", "&gt;")];

fn escaped(text: &str) -> String {
    ESCAPES.iter().fold(text.to_owned(), |text, (plain, escape)| text.replace(plain, escape))
}

/// Parses a page of [`Reply::FormPost`]: the address and the fields.
pub fn read_form(html: &str) -> Result<(Url, Vec<(String, String)>), Failure> {
    let unescaped =
        |text: &str| ESCAPES.iter().rev().fold(text.to_owned(), |text, (plain, escape)| text.replace(escape, plain));
    let attribute = |text: &str, name: &str| {
        let rest = text.split_once(&format!("{name}=\"")).map(|(_, rest)| rest)?;
        rest.split('"').next().map(unescaped)
    };
    let address = attribute(html, "action").ok_or("the page has no form")?;
    let field = |line: &str| Some((attribute(line, "name")?, attribute(line, "value")?));
    let fields = html.lines().filter(|line| line.starts_with("<input ")).filter_map(field).collect();
    Ok((Url::parse(&address)?, fields))
}

/// An error of the token endpoint (RFC 6749 section 5.2).
pub fn token_error(status: StatusCode, error: &str, description: &str) -> Response {
    let body = serde_json::json!({ "error": error, "error_description": description });
    (status, Json::<Value>(body)).into_response()
}

/// The user who is signed in at the provider in this user agent; `deny` declines everything.
pub fn person(headers: &HeaderMap) -> String {
    let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split("; ")).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "person").map(|(_, value)| value.to_owned()).unwrap_or_default()
}
