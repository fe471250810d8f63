//! A browser: it starts a login, and returns with the state and the cookie.

use support::servers::Failure;

use crate::client::Response;
use crate::contenders::{CALLBACK, Contender, PROVIDER_URL, RETURN_TO, RETURN_TO_ENCODED, START};
use crate::phases::{Phase, Running};

/// The headers of a browser behind a proxy that ends TLS.
const BROWSER: &str = "\
    host: shop.example\r\n\
    user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    accept-encoding: gzip, deflate, br, zstd\r\n\
    accept-language: en-US,en;q=0.9\r\n\
    sec-fetch-dest: document\r\n\
    sec-fetch-mode: navigate\r\n\
    sec-fetch-user: ?1\r\n\
    upgrade-insecure-requests: 1\r\n\
    x-forwarded-for: 203.0.113.7\r\n\
    x-forwarded-proto: https\r\n";

/// A started login.
pub struct Started {
    state: String,
    /// Name and value.
    cookie: Option<String>,
}

/// One round: all logins start, and then all return.
pub async fn round(running: &mut Running, logins: usize) -> Result<(Phase, Phase), Failure> {
    let contender = running.contender;
    let requests = vec![start_request(RETURN_TO_ENCODED); logins];
    let (start, started) = running.phase(requests, move |response| started(contender, response)).await?;
    let requests = started.iter().map(|login| callback_request(&login.state, login.cookie.as_deref())).collect();
    let (callback, _) = running.phase(requests, |response| came_back(response, RETURN_TO)).await?;
    Ok((start, callback))
}

/// Checks that the contender does its work: it finds the login of a callback, and accepts it once, from the browser
/// that started it.
pub async fn prove(running: &mut Running) -> Result<(), Failure> {
    let contender = running.contender;
    if !contender.checks() {
        return Ok(());
    }
    let (return_to, encoded) = ("/orders/81", "%2Forders%2F81");
    let (own, other) = (start(running, encoded).await?, start(running, encoded).await?);
    let genuine = callback_request(&own.state, own.cookie.as_deref());
    came_back(&running.control.send(&genuine).await?, return_to)?;
    let forged = callback_request(&"A".repeat(43), other.cookie.as_deref());
    let without_cookie = callback_request(&other.state, None);
    let again = [("again", genuine), ("with a forged state", forged), ("without the cookie", without_cookie)];
    for (how, request) in again {
        if came_back(&running.control.send(&request).await?, return_to).is_ok() {
            return Err(format!("the server accepted a callback that came {how}").into());
        }
    }
    let (one, two) = (start(running, encoded).await?, start(running, encoded).await?);
    let crossed = callback_request(&one.state, two.cookie.as_deref());
    if came_back(&running.control.send(&crossed).await?, return_to).is_ok() {
        return Err("the server accepted a callback of another browser".into());
    }
    Ok(())
}

async fn start(running: &mut Running, return_to: &str) -> Result<Started, Failure> {
    started(running.contender, &running.control.send(&start_request(return_to)).await?)
}

fn start_request(return_to: &str) -> String {
    format!("GET {START}?return_to={return_to} HTTP/1.1\r\n{BROWSER}sec-fetch-site: same-origin\r\n\r\n")
}

fn callback_request(state: &str, cookie: Option<&str>) -> String {
    let cookie = cookie.map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
    format!(
        "GET {CALLBACK}?code=4-0AVMBsJh3RWcYkqQdJx7aF9&state={state} HTTP/1.1\r\n{BROWSER}sec-fetch-site: cross-site\r\n{cookie}\r\n"
    )
}

/// Reads the redirect to the provider.
fn started(contender: Contender, response: &Response<'_>) -> Result<Started, Failure> {
    let location = redirect(response)?;
    let query = location.strip_prefix(PROVIDER_URL).and_then(|rest| rest.strip_prefix('?'));
    let query = query.ok_or_else(|| format!("login start redirected to {location}"))?;
    let state = query.split('&').find_map(|pair| pair.strip_prefix("state=")).ok_or("login start sent no state")?;
    let cookie = response.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    if cookie.is_none() && contender.checks() {
        return Err("login start set no cookie".into());
    }
    Ok(Started { state: state.to_owned(), cookie: cookie.map(str::to_owned) })
}

/// Reads the redirect to the page on which the login started.
fn came_back(response: &Response<'_>, return_to: &str) -> Result<(), Failure> {
    let location = redirect(response)?;
    // The routes add an empty fragment, so that the callback's is not inherited.
    if location.strip_suffix('#').unwrap_or(location) == return_to {
        Ok(())
    } else {
        Err(format!("the callback redirected to {location}").into())
    }
}

fn redirect<'a>(response: &'a Response<'_>) -> Result<&'a str, Failure> {
    let location = response.header("location").unwrap_or_default();
    if response.status == 303 { Ok(location) } else { Err(format!("the server answered {}", response.status).into()) }
}
