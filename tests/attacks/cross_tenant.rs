//! A login of one tenant finished at another tenant's address (RFC 9700 section 4.7.1 on binding a state; one
//! organization of a service with many).
//!
//! Without the tenant in the state, a user of one organization takes their callback to another organization's address,
//! and the service signs them in there.

use oauth_state::{Expect, Login, Tenant};
use support::shop::{Shop, callback, outcome, session, shop};

fn code(shop: &Shop, begun_for: Option<[u8; 16]>, expect: Expect<'_>) -> &'static str {
    let login = begun_for.into_iter().fold(Login::with("github"), Login::tenant);
    let begun = shop.flow.begin(session(), login).unwrap();
    outcome(shop.flow.check(session(), expect, callback(&begun.state)))
}

#[test]
fn a_login_is_finished_at_its_own_tenant_alone() {
    let shop = shop();
    let (own, other) = (Tenant::from([1; 16]), Tenant::from([2; 16]));
    let at = |tenant| Expect::provider("github").tenant(tenant);
    assert_eq!(code(&shop, Some([1; 16]), at(&own)), "passed");
    assert_eq!(code(&shop, Some([1; 16]), at(&other)), "wrong_tenant");
    assert_eq!(
        code(&shop, None, at(&other)),
        "wrong_tenant",
        "a login without a tenant does not belong to this tenant"
    );
    assert_eq!(shop.guard.calls(), 0, "the attempt consumes nothing");
}

/// Ids with a common prefix, and ids that differ in one byte.
#[test]
fn tenants_that_look_alike_are_not_the_same() {
    let shop = shop();
    let own = [7; 16];
    for place in 0..16 {
        let mut other = own;
        other[place] ^= 1;
        let other = Tenant::from(other);
        assert_eq!(code(&shop, Some(own), Expect::provider("github").tenant(&other)), "wrong_tenant", "byte {place}");
    }
}

/// A callback that forgot to name its tenant: a login of any tenant would finish there.
#[test]
fn a_login_of_a_tenant_is_refused_where_no_tenant_is_named() {
    let shop = shop();
    assert_eq!(code(&shop, Some([1; 16]), Expect::provider("github")), "wrong_tenant");
    assert_eq!(code(&shop, None, Expect::provider("github")), "passed");
    let begun = shop.flow.begin(session(), Login::with("github").tenant([1; 16])).unwrap();
    let refused = shop.flow.check(session(), Expect::provider("github"), callback(&begun.state)).unwrap_err();
    assert!(refused.diagnosis().contains("Expect::any_tenant"), "{}", refused.diagnosis());
}

/// A callback address that serves every tenant learns the tenant only from the state.
#[test]
fn a_tenant_is_learned_from_the_state_where_any_is_accepted() {
    let shop = shop();
    let begun = shop.flow.begin(session(), Login::with("github").tenant([1; 16])).unwrap();
    let bound = shop.flow.check(session(), Expect::provider("github").any_tenant(), callback(&begun.state)).unwrap();
    let login = support::shop::authorized(support::shop::block_on(bound.mark_used()).unwrap());
    assert_eq!(login.origin.tenant, Some(Tenant::from([1; 16])));
}
