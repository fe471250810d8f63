//! Connections: providers that the application loads at run time and that a flow does not know in advance.
//!
//! A customer's identity provider may be hostile. Without the tag, the comparison of addresses and the tenant, its
//! login finishes as another customer's, or another provider's code is sent to it (mix-up, RFC 9700 section 4.4).

use oauth_state::provider::ResponseMode;
use oauth_state::{
    BeginError, Callback, ConfigError, Expect, FlowBuilder, Login, LoginOutcome, Provider, Purpose, Tenant,
};
use support::shop::{Shop, block_on, callback, session, shop, shop_with};

const ID: &str = "01JDQ8ZK3M7Y5V2W9X4R6T1B0C";
const OTHER: &str = "01JDQ8ZK3M7Y5V2W9X4R6T1B0D";

fn connection(id: &str, issuer: &str, client_id: &str) -> Provider {
    let uri = format!("https://shop.example/auth/{id}/callback");
    Provider::oidc(id, issuer).unwrap().client_id(client_id).redirect_uri(&uri)
}

fn acme() -> Provider {
    connection(ID, "https://login.acme.example", "client-7")
}

fn begun(shop: &Shop, loaded: &Provider) -> String {
    shop.flow.begin(session(), Login::with(loaded)).unwrap().state
}

fn arrived(state: &str, id: &str) -> Callback {
    callback(state).arrived_at(&format!("/auth/{id}/callback"))
}

fn refusal(shop: &Shop, expect: Expect<'_>, callback: Callback) -> &'static str {
    let refused = shop.flow.check(session(), expect, callback).map(|_| ()).unwrap_err();
    assert_eq!(shop.guard.calls(), 0);
    refused.code()
}

#[test]
fn a_connection_finishes_its_own_login_once() {
    let shop = shop();
    let request = shop.flow.begin(session(), Login::with(&acme()).tenant([7; 16])).unwrap();
    assert_eq!((request.provider(), request.nonce.as_ref().map(String::len)), (ID, Some(43)));
    let (tenant, loaded) = (Tenant::from([7; 16]), acme());
    let finish = || {
        let expect = Expect::connection(&loaded).tenant(&tenant);
        block_on(shop.flow.finish(session(), expect, arrived(&request.state, ID)))
    };
    let Ok(LoginOutcome::Authorized(login)) = finish() else { panic!("refused") };
    assert_eq!((login.origin.provider.as_str(), login.redirect_uri()), (ID, request.redirect_uri()));
    assert_eq!(finish().unwrap_err().code(), "already_used");

    let opened = shop.flow.open(arrived(&begun(&shop, &acme()), ID)).unwrap();
    assert!(opened.is_connection() && opened.provider() == ID);
    assert_eq!(opened.connection_gone().code(), "connection_gone");
    let of_github = shop.flow.begin(session(), Login::with("github")).unwrap().state;
    assert!(!shop.flow.open(callback(&of_github)).unwrap().is_connection());
}

#[test]
fn a_connection_that_was_edited_or_swapped_while_a_login_was_under_way_is_refused() {
    let shop = shop();
    let state = begun(&shop, &acme());
    let moved = Provider::oidc(ID, "https://login.acme.example").unwrap().client_id("client-7").at_shared_callback();
    let moved = moved.requires_iss("https://login.acme.example").redirect_uri("https://shop.example/auth/callback");
    for (changed, code) in [
        (connection(ID, "https://login.bolt.example", "client-7"), "connection_changed"),
        (connection(ID, "https://login.acme.example", "client-8"), "connection_changed"),
        // A provider without an issuer is identified by its endpoint, and one that moved to a shared address by its
        // redirect_uri.
        (acme().authorization_endpoint("https://login.bolt.example/authorize"), "connection_changed"),
        (moved, "connection_changed"),
        (connection(OTHER, "https://login.acme.example", "client-7"), "wrong_provider"),
    ] {
        assert_eq!(refusal(&shop, Expect::connection(&changed), arrived(&state, ID)), code);
    }
    assert!(shop.flow.check(session(), Expect::connection(&acme()), arrived(&state, ID)).is_ok());
}

/// One address for all connections, with the id read from the state: the attacker's provider sends its own users' codes
/// there.
#[test]
fn a_callback_at_another_address_than_the_connection_s_own_is_refused() {
    let shop = shop();
    let (state, loaded) = (begun(&shop, &acme()), acme());
    assert_eq!(refusal(&shop, Expect::connection(&loaded), arrived(&state, OTHER)), "wrong_provider");
    assert_eq!(
        refusal(&shop, Expect::connection(&loaded), callback(&state).arrived_at("/auth/callback")),
        "wrong_provider"
    );
    // An unknown address proves nothing.
    assert_eq!(refusal(&shop, Expect::connection(&loaded), callback(&state)), "wrong_provider");
    // A proxy may have removed the prefix of the path.
    let behind = callback(&state).arrived_at(&format!("/{ID}/callback"));
    assert!(shop.flow.check(session(), Expect::connection(&loaded), behind).is_ok());
}

/// A hostile customer declares the victim's issuer, with an authorization endpoint of their own that redirects to the
/// honest provider: `iss` is the honest one's, and the code would go to the attacker's token endpoint.
#[test]
fn a_connection_that_names_another_one_s_issuer_gets_no_code_from_its_address() {
    let shop = shop();
    let hostile =
        connection(OTHER, "https://login.acme.example", "client-7").requires_iss("https://login.acme.example");
    let state = begun(&shop, &hostile);
    let honest = [("state", state.as_str()), ("code", "c"), ("iss", "https://login.acme.example")];
    let at_acme = Callback::from_pairs(honest).unwrap().arrived_at(&format!("/auth/{ID}/callback"));
    assert_eq!(refusal(&shop, Expect::connection(&hostile), at_acme), "wrong_provider");
    assert_eq!(refusal(&shop, Expect::connection(&hostile), Callback::from_pairs(honest).unwrap()), "wrong_provider");
}

/// An application's own store keeps no tag: it would finish the login of a connection that was swapped meanwhile.
#[test]
fn no_origin_of_a_store_is_a_connection_s() {
    let (loaded, now) = (acme(), std::time::SystemTime::UNIX_EPOCH);
    let (origin, ()) = Login::with(&loaded).into_origin(now);
    let refused = Expect::connection(&loaded).check_origin(&origin, Purpose::Login).unwrap_err();
    assert_eq!(refused.code(), "wrong_provider");
}

#[test]
fn the_redirect_id_of_a_connection_is_one_that_it_has() {
    let shop = shop();
    let named = Provider::oidc(ID, "https://login.acme.example").unwrap().client_id("client-7");
    let named = named.named_redirect_uri("web", &format!("https://shop.example/auth/{ID}/callback"));
    let refused = shop.flow.begin(session(), Login::with(&named).redirect("app")).unwrap_err();
    assert!(matches!(refused, BeginError::UnknownRedirect), "{refused}");
}

#[test]
fn a_connection_at_a_shared_address_needs_iss() {
    let shop = shop();
    let at = |provider: Provider| provider.client_id("client-7").redirect_uri("https://shop.example/auth/callback");
    let silent = || at(Provider::oidc(ID, "https://login.acme.example").unwrap());
    // `iss` alone is not enough either: the shared address must be declared, and an id may equal a fixed segment.
    let of_segment = |id| at(Provider::custom(id).unwrap().requires_iss("https://login.acme.example"));
    let twice = Provider::custom("auth").unwrap().redirect_uri("https://shop.example/auth/auth/callback");
    for refused in [silent(), silent().at_shared_callback(), of_segment(ID), twice] {
        let refused = shop.flow.begin(session(), Login::with(&refused)).unwrap_err();
        assert!(matches!(refused, BeginError::ConnectionUnaddressed), "{refused}");
    }

    let promising = of_segment(ID).at_shared_callback();
    let state = begun(&shop, &promising);
    let of_issuer = |iss: &str| {
        let pairs = [("state", state.as_str()), ("code", "c"), ("iss", iss)];
        Callback::from_pairs(pairs).unwrap().arrived_at("/auth/callback")
    };
    let silent = callback(&state).arrived_at("/auth/callback");
    assert_eq!(refusal(&shop, Expect::connection(&promising), silent), "issuer_missing");
    assert_eq!(refusal(&shop, Expect::connection(&promising), of_issuer("https://evil.example")), "issuer_mismatch");
    let own = of_issuer("https://login.acme.example");
    assert!(shop.flow.check(session(), Expect::connection(&promising), own).is_ok());
}

/// A hostile customer at the shared address names the issuer of a connection with its own address, and redirects the
/// user to that connection's provider: the code arrives at the honest address, with the hostile state and the right
/// `iss`.
#[test]
fn a_connection_at_a_shared_address_gets_no_code_from_another_one_s_own_address() {
    let shop = shop();
    let hostile = Provider::custom(OTHER).unwrap().requires_iss("https://login.acme.example").client_id("client-7");
    let hostile = hostile.at_shared_callback().redirect_uri("https://shop.example/auth/callback");
    let state = begun(&shop, &hostile);
    let honest = [("state", state.as_str()), ("code", "c"), ("iss", "https://login.acme.example")];
    let at = |path: &str| Callback::from_pairs(honest).unwrap().arrived_at(path);
    for path in [format!("/auth/{ID}/callback"), format!("/{ID}/callback"), "/auth/github/callback".to_owned()] {
        assert_eq!(refusal(&shop, Expect::connection(&hostile), at(&path)), "wrong_provider", "{path}");
    }
    // An unknown address proves nothing.
    assert_eq!(refusal(&shop, Expect::connection(&hostile), Callback::from_pairs(honest).unwrap()), "wrong_provider");
    assert!(shop.flow.check(session(), Expect::connection(&hostile), at("/callback")).is_ok());
}

#[test]
fn a_connection_of_one_tenant_serves_no_other() {
    let shop = shop();
    let (acme_tenant, bolt_tenant) = (Tenant::from([1; 16]), Tenant::from([2; 16]));
    let own = acme().for_tenant(acme_tenant.clone());
    let refused = shop.flow.begin(session(), Login::with(&own).tenant(bolt_tenant.clone())).unwrap_err();
    assert!(matches!(refused, BeginError::OtherTenant), "{refused}");
    // Sealed for its tenant, although the login names none.
    let state = begun(&shop, &own);
    assert_eq!(refusal(&shop, Expect::connection(&acme()), arrived(&state, ID)), "wrong_tenant");
    assert_eq!(refusal(&shop, Expect::connection(&own).tenant(&bolt_tenant), arrived(&state, ID)), "wrong_tenant");
    let moved = acme().for_tenant(bolt_tenant);
    assert_eq!(refusal(&shop, Expect::connection(&moved).any_tenant(), arrived(&state, ID)), "wrong_tenant");
    assert!(shop.flow.check(session(), Expect::connection(&own).tenant(&acme_tenant), arrived(&state, ID)).is_ok());
    assert!(shop.flow.check(session(), Expect::connection(&own), arrived(&state, ID)).is_ok());
}

#[test]
fn a_configured_provider_and_a_connection_never_stand_in_for_each_other() {
    let shop = shop();
    let posing = Provider::custom("github").unwrap().redirect_uri("https://shop.example/auth/github/callback");
    let refused = shop.flow.begin(session(), Login::with(&posing)).unwrap_err();
    assert!(matches!(refused, BeginError::ConnectionShadowsProvider), "{refused}");
    let of_github = shop.flow.begin(session(), Login::with("github")).unwrap().state;
    let at_github = callback(&of_github).arrived_at("/auth/github/callback");
    assert_eq!(refusal(&shop, Expect::connection(&posing), at_github), "wrong_provider");
    let state = begun(&shop, &acme());
    assert_eq!(refusal(&shop, Expect::provider(ID), arrived(&state, ID)), "wrong_provider");
    assert_eq!(refusal(&shop, Expect::provider("github"), arrived(&state, ID)), "wrong_provider");
    // A server without this provider's configuration started the login.
    let elsewhere = shop_with(FlowBuilder::loads_providers);
    let of_posing = begun(&elsewhere, &posing);
    assert_eq!(refusal(&shop, Expect::provider("github"), callback(&of_posing)), "wrong_provider");
    assert!(elsewhere.flow.check(session(), Expect::connection(&posing), arrived(&of_posing, "github")).is_ok());
}

/// A login start refuses a loaded provider for the same reasons as `build` refuses a configured one: an administrator's
/// mistake must not fail every login at the callback.
#[test]
fn a_connection_that_cannot_work_does_not_begin() {
    let shop = shop();
    let refused = |loaded: Provider| match shop.flow.begin(session(), Login::with(&loaded)).unwrap_err() {
        BeginError::Connection(error) => error,
        other => panic!("{other}"),
    };
    let with = |uri: &str| Provider::custom(ID).unwrap().redirect_uri(uri);
    assert!(matches!(refused(with("/auth/callback")), ConfigError::RedirectUri(_)));
    assert!(matches!(refused(with(&format!("http://192.168.1.5:8080/auth/{ID}/callback"))), ConfigError::PlainHttp(_)));
    let posting = acme().post_only();
    assert!(matches!(refused(posting), ConfigError::PostOnlyWithoutFormPost(_)));
    assert!(shop.flow.begin(session(), Login::with(&acme().response_mode(ResponseMode::FormPost).post_only())).is_ok());
    let home = format!("/auth/{ID}/callback");
    let looping = Login::with(&acme()).return_to(home.parse().unwrap());
    assert!(matches!(shop.flow.begin(session(), looping), Err(BeginError::ReturnsToCallback)));
}
