//! One person who signs in.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::net::TcpStream;

use crate::Failure;
use crate::fleet::{Fleet, Sent, exchange};
use crate::server::CallbackAnswer;

/// Somebody whom the provider has sent back, and who has not arrived yet.
pub struct InFlight {
    number: u64,
    callback: String,
    cookie: Option<String>,
    code_challenge: String,
    begun_on: u32,
}

/// What became of a login.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Finished,
    /// The callback was under way on a server that was killed.
    InFlightOnKilled,
    /// The login's data was in a process that is gone, or in another one than took the callback.
    Lost(String),
    Failed(String),
}

/// Any of the servers.
fn any(fleet: &Fleet, number: u64) -> usize {
    // An odd factor spreads neighbours over all of them.
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % fleet.len()
}

/// Begins, and goes to the provider and back; gives how long the begin took.
pub async fn begin(fleet: &Fleet, number: u64) -> Result<(InFlight, Duration), Failure> {
    let asked = Instant::now();
    let (begun_on, answer) = loop {
        match fleet.send(any(fleet, number), &format!("/begin?visit={number}"), None).await? {
            // Nobody was redirected: the person clicks again.
            (_, Sent::Broken) => {}
            (process, Sent::Answered(answer)) => break (process, answer),
        }
    };
    let took = asked.elapsed();
    let address = answer.location.ok_or_else(|| String::from_utf8_lossy(&answer.body).into_owned())?;
    let (origin, path) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or("no provider")?;
    let challenge = path.split_once("code_challenge=").ok_or("no code_challenge")?.1.to_owned();
    let at_provider = exchange(TcpStream::connect(origin).await?, &format!("/{path}"), None).await;
    let callback = at_provider.and_then(|answer| answer.location).ok_or("the provider does not answer")?;
    Ok((InFlight { number, callback, cookie: answer.cookie, code_challenge: challenge, begun_on }, took))
}

/// Comes back; gives how long that took.
pub async fn come_back(fleet: &Fleet, login: InFlight) -> Result<(Outcome, Duration), Failure> {
    let asked = Instant::now();
    // Wherever the load balancer sends it.
    let first = any(fleet, login.number.wrapping_mul(31).wrapping_add(7));
    let (process, sent) = fleet.send(first, &login.callback, login.cookie.as_deref()).await?;
    let took = asked.elapsed();
    let answer = match sent {
        Sent::Answered(answer) => answer,
        Sent::Broken if fleet.was_killed(process) => return Ok((Outcome::InFlightOnKilled, took)),
        Sent::Broken => return Ok((Outcome::Failed("a connection broke to a server that runs".to_owned()), took)),
    };
    let answer: CallbackAnswer = serde_json::from_slice(&answer.body)?;
    let outcome = match answer.code.as_str() {
        "finished" if answer.visit != Some(login.number) => Outcome::Failed("the data is another login's".to_owned()),
        "finished" if challenge_of(&answer) != Some(login.code_challenge) => {
            Outcome::Failed("the code_verifier is another login's".to_owned())
        }
        "finished" => Outcome::Finished,
        "not_stored" if process != login.begun_on => Outcome::Lost("came to another server".to_owned()),
        code => Outcome::Failed(code.to_owned()),
    };
    Ok((outcome, took))
}

/// S256 of RFC 7636 section 4.2.
fn challenge_of(answer: &CallbackAnswer) -> Option<String> {
    let hash = Sha256::digest(answer.code_verifier.as_ref()?);
    Some(base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, hash))
}
