//! Expiry, the future, and clocks that differ.

use crate::common::{NOW, callback, session, shop, shop_with};
use oauth_state::{ConfigError, Expect, FinishErrorKind, Login, Provider};
use std::time::Duration;

#[test]
fn a_state_lives_from_issue_minus_skew_to_expiry_plus_skew() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::at("github")).unwrap();
    let at = |now: u64| {
        shop.clock.set(now);
        let checked = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state));
        checked.err().map(|error| error.kind())
    };
    assert_eq!(at(NOW - 61), Some(FinishErrorKind::IssuedInFuture));
    assert_eq!(at(NOW - 60), None);
    assert_eq!(at(NOW + 659), None);
    assert_eq!(at(NOW + 660), Some(FinishErrorKind::Expired));
    assert_eq!(at(0), Some(FinishErrorKind::IssuedInFuture));
    assert_eq!(at(u64::from(u32::MAX) * 2), Some(FinishErrorKind::Expired));
    assert_eq!(shop.guard.calls(), 0);
}

#[test]
fn the_lifetime_is_the_flow_s_and_has_bounds() {
    let build = |lifetime: Duration| {
        let guard = oauth_state::SingleProcessGuard::with_capacity(1);
        oauth_state::Flow::builder(crate::common::app(), oauth_state::testing::ring(), guard)
            .provider(Provider::github())
            .lifetime(lifetime)
            .build()
            .err()
    };
    for seconds in [0, 3601, 65_536 + 600, u64::MAX] {
        assert_eq!(build(Duration::from_secs(seconds)), Some(ConfigError::Lifetime { cap: 3600 }));
    }
    assert_eq!(build(Duration::from_millis(1500)), Some(ConfigError::Lifetime { cap: 3600 }));
    assert_eq!(build(Duration::from_secs(3600)), None);

    let shop = shop_with(|builder| builder.provider(Provider::github()).lifetime(Duration::from_secs(1)));
    let begun = shop.flow.begin(session(), Login::at("github")).unwrap();
    shop.clock.set(NOW + 61);
    let refused = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert_eq!(refused.kind(), FinishErrorKind::Expired);
}

#[test]
fn a_clock_beyond_the_format_begins_nothing() {
    let shop = shop();
    shop.clock.set(u64::from(u32::MAX) + 1);
    let refused = shop.flow.begin(session(), Login::at("github")).unwrap_err();
    assert!(matches!(refused, oauth_state::BeginError::Clock));
}
