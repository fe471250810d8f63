//! A whole login with its mark, while a hundred thousand and ten million marks are held.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use oauth_state::{App, Callback, Expect, Flow, Login, Provider, ReplayGuard, SingleProcessGuard, testing};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use support::bench::rounds::{Contender, Effort, compare};
use support::bench::shapes::{PROVIDER, session};

use crate::Amounts;

struct Full {
    flow: Flow,
    guard: SingleProcessGuard,
}

impl Full {
    /// A flow whose guard holds so many marks, of logins started over the last ten minutes.
    fn with_marks(marks: usize) -> Self {
        let guard = SingleProcessGuard::with_capacity(marks * 2 + 10_000_000);
        let now = SystemTime::now();
        let mut random = vec![0; 24 * 4_096];
        while guard.len() < marks {
            SysRng.try_fill_bytes(&mut random).unwrap();
            for drawn in random.chunks_exact(24).take(marks - guard.len()) {
                let (id, claimant) = (drawn[..16].try_into().unwrap(), drawn[16..].try_into().unwrap());
                // Of the logins of the last thirteen minutes, whose marks are kept for the lifetime and three times the
                // skew.
                let left = Duration::from_secs(1 + u64::from(u16::from_be_bytes([drawn[16], drawn[17]])) % 780);
                testing::block_on(guard.mark_used(&testing::mark(id, claimant, now, now + left))).unwrap();
            }
        }
        let app = App::new("shop", "test").unwrap();
        let flow = Flow::builder(app, testing::ring(), guard.clone()).provider(Provider::github()).build().unwrap();
        Self { flow, guard }
    }

    fn login(&self) {
        let begun = self.flow.begin(session(), Login::with(PROVIDER)).unwrap();
        let callback = Callback::from_pairs([("code", "code"), ("state", &begun.state)]).unwrap();
        let bound = self.flow.check(session(), Expect::provider(PROVIDER), callback).unwrap();
        drop(black_box(at_once(bound.mark_used()).unwrap()));
    }
}

/// The memory guard never waits.
fn at_once<R>(work: impl Future<Output = R>) -> R {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the memory guard waits"),
    }
}

pub fn measure(amounts: Amounts) -> Value {
    let (few, many) = (amounts.marks / 100, amounts.marks);
    let (small, large) = (Full::with_marks(few), Full::with_marks(many));
    // Every login leaves a mark, so keep them few: the small guard must stay small.
    let effort = Effort { turns: amounts.rounds.turns.min(61), calls: amounts.rounds.calls.min(250) };
    let measured =
        compare(effort, vec![Contender::new("few", || small.login()), Contender::new("many", || large.login())]);
    let ratio = measured[1].ratio;
    println!(
        "\na login with {many} marks held, compared with {few}: {ratio:.2} (held at the end: {})",
        small.guard.len()
    );
    json!({ "few": few, "many": many, "ratio": ratio })
}
