use oauth_state::{App, Flow, KeyRing};

fn main() {}

fn builds_without(app: App, ring: KeyRing) {
    let _ = Flow::builder(app, ring);
}
