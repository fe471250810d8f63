//! One user who signs in, through a load balancer that forwards requests that a server refused.

use std::time::Duration;

use support::servers::Failure;

use super::fleet::{Fleet, PLACES, Sent, random_below};
use super::server::{BegunAnswer, CallbackAnswer};
use crate::suite::challenge_of;

/// The result of one login.
#[derive(Debug)]
pub struct End {
    /// The prefix of the state, which shows its store.
    pub form: String,
    pub begun_on: u64,
    pub outcome: Outcome,
    /// The response to a reload, if the callback was in progress on a killed server.
    pub reloaded: Option<String>,
    /// Login starts in progress on a killed server, which started again.
    pub begins_broken: u64,
    pub double: bool,
}

#[derive(Debug)]
pub enum Outcome {
    Finished {
        on: u64,
    },
    /// The callback was in progress on a killed server.
    Broken,
    Failed {
        code: String,
        on: u64,
        process_was_killed: bool,
    },
}

#[derive(Clone, Copy)]
pub struct Habits {
    /// Whether the load balancer sends a callback to the server that started its login, while that server listens.
    pub sticky: bool,
    /// Whether every tenth user clicks twice.
    pub doubles: bool,
}

/// The places in the order in which the load balancer tries them.
fn order(first: Option<usize>) -> [usize; PLACES] {
    let start = first.unwrap_or_else(|| usize::try_from(random_below(3)).unwrap());
    let step = 1 + usize::try_from(random_below(2)).unwrap();
    std::array::from_fn(|turn| (start + turn * step) % PLACES)
}

/// Until a server accepts it; returns that place.
async fn balanced(fleet: &Fleet, first: Option<usize>, request: &str, cookie: Option<&str>) -> (usize, Sent) {
    for _ in 0..2_000 {
        for place in order(first) {
            match fleet.send(place, request, cookie, None).await {
                Sent::Refused => {}
                sent => return (place, sent),
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no server listens");
}

pub async fn sign_in(fleet: &Fleet, number: u64, habits: Habits) -> Result<End, Failure> {
    let mut begins_broken = 0;
    let (place, begun, cookie) = loop {
        let (place, sent) = balanced(fleet, None, &format!("/begin?visit={number}"), None).await;
        match sent {
            Sent::Answered(status, cookie, body) if status.is_success() => {
                break (place, serde_json::from_slice::<BegunAnswer>(&body)?, cookie);
            }
            Sent::Answered(_, _, body) => return Err(String::from_utf8_lossy(&body).into_owned().into()),
            // There was no redirect: the user clicks again.
            Sent::Broken | Sent::Refused => begins_broken += 1,
        }
    };
    tokio::time::sleep(Duration::from_millis(2 + random_below(60))).await;
    let request = format!("/callback?state={}&code=code", begun.state);
    let first = habits.sticky.then_some(place);
    let double = habits.doubles && number % 10 == 0;
    let once = || balanced(fleet, first, &request, cookie.as_deref());
    let mut sent = vec![];
    if double {
        let (one, other) = tokio::join!(once(), once());
        sent.extend([one.1, other.1]);
    } else {
        sent.push(once().await.1);
    }
    let mut outcomes = Vec::new();
    for sent in sent {
        outcomes.push(outcome(fleet, &begun, number, sent)?);
    }
    // Of two clicks the successful one counts; otherwise the one that may have succeeded.
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Finished { .. } => 0,
        Outcome::Broken => 1,
        Outcome::Failed { .. } => 2,
    };
    if outcomes.iter().filter(|outcome| rank(outcome) == 0).count() > 1 {
        return Err(format!("login {number} was finished twice").into());
    }
    outcomes.sort_by_key(rank);
    let outcome = outcomes.swap_remove(0);
    let reloaded = if matches!(outcome, Outcome::Broken) {
        match balanced(fleet, first, &request, cookie.as_deref()).await.1 {
            Sent::Answered(_, _, body) => Some(serde_json::from_slice::<CallbackAnswer>(&body)?.code),
            _ => Some("broken again".to_owned()),
        }
    } else {
        None
    };
    let form = begun.state.chars().take(4).collect();
    Ok(End { form, begun_on: begun.process, outcome, reloaded, begins_broken, double })
}

fn outcome(fleet: &Fleet, begun: &BegunAnswer, number: u64, sent: Sent) -> Result<Outcome, Failure> {
    let Sent::Answered(_, _, body) = sent else { return Ok(Outcome::Broken) };
    let answer: CallbackAnswer = serde_json::from_slice(&body)?;
    if answer.code != "finished" {
        let process_was_killed = fleet.has_ended(begun.process);
        return Ok(Outcome::Failed { code: answer.code, on: answer.process, process_was_killed });
    }
    if answer.visit != Some(number) {
        return Err(format!("login {number} got the data of {:?}", answer.visit).into());
    }
    if answer.code_verifier.as_deref().map(challenge_of) != begun.code_challenge {
        return Err(format!("login {number} got a code_verifier of another challenge").into());
    }
    Ok(Outcome::Finished { on: answer.process })
}
