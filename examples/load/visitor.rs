//! One user who signs in.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::net::TcpStream;

use crate::Failure;
use crate::fleet::{Answer, Fleet, Sent, exchange};
use crate::server::CallbackAnswer;

/// A user whom the provider has redirected, and who has not arrived yet.
pub struct InFlight {
    number: u64,
    callback: String,
    cookie: Option<String>,
    code_challenge: String,
    begun_on: u32,
}

/// The result of a login.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Finished,
    /// The callback was in progress on a server that was killed.
    InFlightOnKilled,
    /// With each process's memory as the store: the callback came to another process than the login start.
    Lost(String),
    Failed(String),
}

/// Any of the servers.
fn any(fleet: &Fleet, number: u64) -> usize {
    // An odd factor spreads neighbors over all of them.
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % fleet.len()
}

/// Starts a login, and goes to the provider and back; returns the time of the login start. Failures are in words.
pub async fn begin(fleet: &Fleet, number: u64) -> Result<Result<(InFlight, Duration), String>, Failure> {
    let asked = Instant::now();
    let (begun_on, answer) = match begun(fleet, number).await? {
        Ok(begun) => begun,
        Err(error) => return Ok(Err(error)),
    };
    let took = asked.elapsed();
    let Some(address) = answer.location else { return Ok(Err(format!("the login start got {}", answer.status))) };
    let (origin, path) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or("no provider")?;
    let challenge = path.split_once("code_challenge=").ok_or("no code_challenge")?.1.to_owned();
    let at_provider = exchange(TcpStream::connect(origin).await?, &format!("/{path}"), None).await;
    let Sent::Answered(Answer { location: Some(callback), .. }) = at_provider else {
        return Err("the provider does not answer".into());
    };
    Ok(Ok((InFlight { number, callback, cookie: answer.cookie, code_challenge: challenge, begun_on }, took)))
}

/// Until a server responds; a user whose click met a dying server clicks again.
async fn begun(fleet: &Fleet, number: u64) -> Result<Result<(u32, Answer), String>, Failure> {
    for _ in 0..20 {
        let (process, sent) = fleet.send(any(fleet, number), &format!("/begin?visit={number}"), None).await?;
        match sent {
            Sent::Answered(answer) => return Ok(Ok((process, answer))),
            Sent::Broken if fleet.was_killed(process) => {}
            Sent::Broken => return Ok(Err("a login start's connection to a running server broke".to_owned())),
            Sent::TimedOut => return Ok(Err("a login start got no response".to_owned())),
        }
    }
    Ok(Err("twenty servers were killed during one login start".to_owned()))
}

/// Returns with the callback; the result has the time since it was due.
pub async fn come_back(
    fleet: &Fleet,
    login: InFlight,
    in_memory: bool,
    due: Instant,
) -> Result<(Outcome, Duration), Failure> {
    // At any server, as the load balancer chooses.
    let first = any(fleet, login.number.wrapping_mul(31).wrapping_add(7));
    let (process, sent) = fleet.send(first, &login.callback, login.cookie.as_deref()).await?;
    let took = due.elapsed();
    let answer = match sent {
        Sent::Answered(answer) => answer,
        Sent::Broken if fleet.was_killed(process) => return Ok((Outcome::InFlightOnKilled, took)),
        Sent::Broken => return Ok((Outcome::Failed("a connection to a running server broke".to_owned()), took)),
        Sent::TimedOut => return Ok((Outcome::Failed("a callback got no response".to_owned()), took)),
    };
    let Ok(callback) = serde_json::from_slice::<CallbackAnswer>(&answer.body) else {
        return Ok((Outcome::Failed(format!("a callback got {}", answer.status)), took));
    };
    let outcome = match callback.code.as_str() {
        "finished" if callback.visit != Some(login.number) => Outcome::Failed("the data is another login's".to_owned()),
        "finished" if challenge_of(&callback) != Some(login.code_challenge) => {
            Outcome::Failed("the code_verifier is another login's".to_owned())
        }
        "finished" => Outcome::Finished,
        "not_stored" if in_memory && process != login.begun_on => Outcome::Lost("came to another server".to_owned()),
        code => Outcome::Failed(code.to_owned()),
    };
    Ok((outcome, took))
}

/// S256 of RFC 7636 section 4.2.
fn challenge_of(answer: &CallbackAnswer) -> Option<String> {
    let hash = Sha256::digest(answer.code_verifier.as_ref()?);
    Some(base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, hash))
}
