//! Moving from one store to another while users sign in: 0, 10, 50, 100 and 0 % again, at run time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use support::ensure;
use support::harness::Outcome;
use support::servers::Failure;

use crate::stores::Servers;
use crate::trial::fleet::{Fleet, PLACES, Sent};
use crate::trial::old::OLD_TABLE;
use crate::trial::server::{CallbackAnswer, Counted, Settings};
use crate::trial::visitor::{self, Habits};
use crate::trial::{crowd, ends, settings};

/// The old side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Old {
    Redis,
    Table,
    Map { sticky: bool },
}

pub const ALL: [(Old, &str); 4] = [
    (Old::Redis, "redis rows to sealed under load: no login fails"),
    (Old::Table, "a table of the service's own to sealed under load: no login fails"),
    (Old::Map { sticky: false }, "a HashMap to sealed, without stickiness: what fails"),
    (Old::Map { sticky: true }, "a HashMap to sealed, with stickiness: no login fails"),
];

impl Old {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Table => "table",
            Self::Map { .. } => "hashmap",
        }
    }
}

const PERCENTAGES: [u8; 5] = [0, 10, 50, 100, 0];

fn plan(old: Old, percent: u8) -> String {
    format!("old={} new=sealed percent={percent}", old.name())
}

pub async fn run(old: Old, full: bool, servers: Arc<Servers>) -> Outcome {
    servers.empty().await?;
    servers.postgres.execute(OLD_TABLE).await?;
    let a_step = if full { 2_000 } else { 200 };
    let logins = a_step * PERCENTAGES.len() as u64;
    let settings = Settings { plan: Some(plan(old, 0)), ..settings(&servers)? };
    let (fleet, done) = (Arc::new(Fleet::start(settings).await?), Arc::new(AtomicU64::new(0)));
    let habits = Habits { sticky: old == Old::Map { sticky: true }, doubles: false };
    let people = crowd(&fleet, logins, habits, &done).await;
    let turning = async {
        for (step, percent) in (0..).zip(PERCENTAGES) {
            while done.load(Ordering::SeqCst) < step * a_step {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // One server after the other, as a changed file reaches them.
            for place in 0..PLACES {
                match fleet.send(place, "/plan", None, Some(&plan(old, percent))).await {
                    Sent::Answered(status, _, _) if status.is_success() => {}
                    _ => return Err(format!("the plan of {percent} % was not taken").into()),
                }
            }
        }
        Ok::<_, Failure>(())
    };
    let (all, ()) = tokio::try_join!(ends(people), turning)?;

    let (mut finished, mut not_stored) = ([0_u64; 2], 0_u64);
    for end in &all {
        let new = end.form == "ost1";
        match &end.outcome {
            visitor::Outcome::Finished { .. } => finished[usize::from(new)] += 1,
            visitor::Outcome::Failed { code, on, .. } => {
                // The one failure that a map in the process explains.
                let explained = !new && code == "not_stored" && *on != end.begun_on;
                ensure!(explained && old == Old::Map { sticky: false }, "{end:?}");
                not_stored += 1;
            }
            visitor::Outcome::Broken => return Err("a connection broke, and no server was killed".into()),
        }
    }
    let counts = counts(&fleet).await?;
    let new_begun = all.iter().filter(|end| end.form == "ost1").count() as u64;
    ensure!(counts.issued == [logins - new_begun, new_begun], "issued {:?}, and {new_begun} were new", counts.issued);
    ensure!(counts.consumed == finished, "consumed {:?}, finished {finished:?}", counts.consumed);
    ensure!(counts.refused == [not_stored, 0], "refused {:?}, failed {not_stored}", counts.refused);
    ensure!((counts.unowned, counts.not_issued) == (0, 0), "{counts:?}");
    ensure!(new_begun > 0 && new_begun < logins, "{new_begun} of {logins} began on the new side");
    by_form_alone(&fleet, old, counts).await?;
    let wins = Arc::into_inner(fleet).ok_or("a user is still signing in")?.end().await?;
    ensure!(wins.values().all(|wins| *wins == 1), "a login was won twice");

    let [on_old, on_new] = counts.issued;
    Ok(match old {
        Old::Map { sticky: false } => {
            ensure!(not_stored > 0, "nothing failed without stickiness: the case proves nothing");
            format!(
                "{not_stored} of {on_old} old ones failed (`not_stored`, at another server than their own), 0 of {on_new} new ones: the old \
                 side needs callbacks at the server that began, by a cookie of the load balancer's, until its last state is over"
            )
        }
        Old::Map { sticky: true } => {
            format!(
                "{on_old} old and {on_new} new ones started and finished, 0 failed; only the old ones need the stickiness"
            )
        }
        Old::Redis | Old::Table => {
            format!("{on_old} old and {on_new} new ones started and finished, 0 failed, 0 unowned")
        }
    })
}

async fn counts(fleet: &Fleet) -> Result<Counted, Failure> {
    let mut sum = Counted::default();
    for place in 0..PLACES {
        let Sent::Answered(_, _, body) = fleet.send(place, "/counts", None, None).await else {
            return Err("no counts".into());
        };
        let one: Counted = serde_json::from_slice(&body)?;
        for side in 0..2 {
            sum.issued[side] += one.issued[side];
            sum.consumed[side] += one.consumed[side];
            sum.refused[side] += one.refused[side];
        }
        sum.not_issued += one.not_issued;
        sum.unowned += one.unowned;
    }
    Ok(sum)
}

/// A state that the sealed side refuses is not tried on the old side, whose logins may be unbound; and the reverse.
async fn by_form_alone(fleet: &Fleet, old: Old, before: Counted) -> Result<(), Failure> {
    let forged = |prefix: &str| format!("/callback?state={prefix}{}&code=code", "A".repeat(96));
    let of_old = match old {
        Old::Redis => (forged("osr1"), "unknown_key"),
        Old::Table | Old::Map { .. } => ("/callback?state=0123456789abcdef&code=code".to_owned(), "not_stored"),
    };
    for (request, code) in [(forged("ost1"), "unknown_key"), of_old] {
        let Sent::Answered(_, _, body) = fleet.send(0, &request, None, None).await else {
            return Err("no answer".into());
        };
        let answer: CallbackAnswer = serde_json::from_slice(&body)?;
        ensure!(answer.code == code, "{request}: {}, not {code}", answer.code);
    }
    let after = counts(fleet).await?;
    let refused = [after.refused[0] - before.refused[0], after.refused[1] - before.refused[1]];
    ensure!(refused == [1, 1], "a refused state was tried on the other side: {refused:?}");
    // A text without the form of any store.
    let Sent::Answered(_, _, body) = fleet.send(0, "/callback?state=ost1&code=code", None, None).await else {
        return Err("no answer".into());
    };
    let answer: CallbackAnswer = serde_json::from_slice(&body)?;
    let (code, unowned) = if old == Old::Redis { ("malformed", 1) } else { ("not_stored", 0) };
    ensure!(answer.code == code, "a text of no form: {}", answer.code);
    let after = counts(fleet).await?;
    ensure!(after.unowned - before.unowned == unowned, "{} unowned", after.unowned);
    Ok(())
}
