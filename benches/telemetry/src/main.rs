//! The processor time of a login start and of a callback, in nanoseconds: the tenth percentile of many batches, one
//! line each.

use std::time::Duration;

use cpu_time::ThreadTime;
use oauth_state::testing::ring;
use oauth_state::{App, Binding, Callback, Expect, Flow, Login, Provider, SingleProcessGuard};

const BATCHES: usize = 400;
const BATCH: usize = 200;
const SESSION: &[u8] = b"the session id of this person";

fn main() {
    #[cfg(feature = "metrics")]
    let metrics = {
        use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
        use oauth_state::observe::{FLOW_SECONDS, LATENCY_SECONDS};
        let flows = Matcher::Full("oauth_state_flow_duration_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets(LATENCY_SECONDS).expect("bounds");
        let builder = builder.set_buckets_for_metric(flows, FLOW_SECONDS).expect("bounds");
        builder.install_recorder().expect("the only recorder")
    };
    let guard = SingleProcessGuard::with_capacity(2 * BATCHES * BATCH);
    let app = App::new("shop", "bench").expect("names");
    let flow = Flow::builder(app, ring(), guard).provider(Provider::github()).build().expect("a flow");
    let mut begins = Vec::with_capacity(BATCHES);
    let mut finishes = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let mut states = Vec::with_capacity(BATCH);
        begins.push(time(|| states.extend((0..BATCH).map(|_| begin(&flow)))));
        let callbacks: Vec<_> = states
            .into_iter()
            .map(|state| Callback::from_pairs([("code", "code"), ("state", &state)]).expect("a form"))
            .collect();
        finishes.push(time(|| callbacks.into_iter().for_each(|callback| finish(&flow, callback))));
    }
    #[cfg(feature = "metrics")]
    assert!(metrics.render().contains("oauth_state_states_issued_total{provider=\"github\","), "nothing was counted");
    println!("{} {}", tenth(begins), tenth(finishes));
}

fn begin(flow: &Flow) -> String {
    let session = Binding::session(SESSION).expect("a session");
    flow.begin(session, Login::with("github")).expect("a login").state
}

fn finish(flow: &Flow, callback: Callback) {
    let session = Binding::session(SESSION).expect("a session");
    let bound = flow.check(session, Expect::provider("github"), callback).expect("a login that passes");
    let mut marking = std::pin::pin!(bound.mark_used());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // The memory guard answers at once.
    assert!(matches!(marking.as_mut().poll(&mut context), std::task::Poll::Ready(Ok(_))));
}

fn time(work: impl FnOnce()) -> Duration {
    let start = ThreadTime::now();
    work();
    start.elapsed()
}

fn tenth(mut batches: Vec<Duration>) -> u128 {
    batches.sort_unstable();
    batches[batches.len() / 10].as_nanos() / BATCH as u128
}
