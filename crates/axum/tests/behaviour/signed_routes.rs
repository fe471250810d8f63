//! Routes of a flow with signed states accept only signed states.

use oauth_state::inspect::UnverifiedClaims;
use oauth_state::testing::ManualClock;
use support::shop::{CountingGuard, NOW};

use crate::routes::{Server, Visitor, flow_builder, routes};

/// The routes must not fall back to the encrypted form.
#[test]
fn the_router_begins_and_finishes_signed_states_and_no_others() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let server = |signed: bool| {
        let flow = flow_builder(&clock, &guard);
        let flow = if signed { flow.build_signed_not_encrypted() } else { flow.build() };
        let router = oauth_state_axum::router(routes(flow.unwrap()).build().unwrap());
        Server { router, clock: clock.clone(), guard: guard.clone(), told: std::sync::Arc::default() }
    };
    let (signed, encrypted) = (server(true), server(false));
    let mut visitor = Visitor::default();
    let state = visitor.get(&signed, "/auth/github?return_to=/basket").state();
    assert_eq!(UnverifiedClaims::read(&state).unwrap().return_to.as_deref(), Some("/basket"));
    let other = visitor.get(&encrypted, "/auth/github").state();
    assert_eq!(visitor.callback(&signed, "github", &other).status, 400);
    assert_eq!(visitor.callback(&encrypted, "github", &state).status, 400);
    assert_eq!(guard.calls(), 0);
    assert_eq!(visitor.callback(&signed, "github", &state).header("x-path"), "/basket");
}
