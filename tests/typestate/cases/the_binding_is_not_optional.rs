use oauth_state::{Callback, Expect, Flow};

fn main() {}

fn checks_without(flow: &Flow, callback: Callback) {
    let _ = flow.check(Expect::provider("github"), callback);
}
