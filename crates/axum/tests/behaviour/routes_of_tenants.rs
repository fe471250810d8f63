//! A login of one tenant that is finished at another tenant's address, over HTTP, and the tenant and redirect_uri that
//! a restart may keep (RFC 9700 section 4.7.1).
//!
//! Without the `site` hook at the callback, a user of one organization could take their callback to another
//! organization's host and be signed in there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, FlowBuilder, Provider};
use oauth_state_axum::{LoginRoutes, Site};
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{self, Answer, Server, Visitor};

const ACME: &str = "acme.shop.example";
const ZETA: &str = "zeta.shop.example";
/// A host without a tenant.
const MAIN: &str = "www.shop.example";

/// A service with a host and a redirect_uri for each tenant.
fn server() -> Server {
    server_asking(|host| match host {
        ACME => Ok(Site::default().with_tenant([1; 16]).with_redirect("acme")),
        ZETA => Ok(Site::default().with_tenant([2; 16]).with_redirect("zeta")),
        MAIN => Ok(Site::default().with_redirect("main")),
        _ => Err("no tenant has this host"),
    })
}

fn server_asking(site: impl Fn(&str) -> Result<Site, &'static str> + Send + Sync + 'static) -> Server {
    let github = [("acme", ACME), ("zeta", ZETA), ("main", MAIN)]
        .into_iter()
        .fold(Provider::github().client_id("client"), |github, (id, host)| {
            github.named_redirect_uri(id, &format!("https://{host}/{id}/auth/github/callback"))
        });
    server_of(|flow| flow.provider(github), site)
}

fn server_of(
    configure: impl FnOnce(FlowBuilder<()>) -> FlowBuilder<()>,
    site: impl Fn(&str) -> Result<Site, &'static str> + Send + Sync + 'static,
) -> Server {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = configure(Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()));
    routes::server_of(flow, &clock, &guard, |flow| {
        LoginRoutes::builder(flow)
            .site(move |request| {
                let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
                let site = site(host).map_err(Into::into);
                async move { site }
            })
            .on_login(|login, _| async move {
                let tenant = login.origin.tenant.as_ref().map_or(0, |tenant| tenant.as_bytes()[0]);
                let path = login.origin.return_to.as_ref().map_or("-".to_owned(), ToString::to_string);
                Ok(format!("{tenant} {} {path}", login.origin.redirect.unwrap_or_default()))
            })
    })
}

/// A browser that also sends the cookies of one host to the others, as behind a proxy that serves all of them under one
/// name.
struct Browser(Visitor);

impl Browser {
    fn get(&mut self, server: &Server, host: &str, uri: &str) -> Answer {
        self.0.send_to(server, host, Request::get(uri), "")
    }

    fn start(&mut self, server: &Server, host: &str) -> String {
        self.get(server, host, "/auth/github?return_to=/cart").state()
    }

    fn callback(&mut self, server: &Server, host: &str, state: &str) -> Answer {
        self.get(server, host, &format!("/auth/github/callback?code=c&state={state}"))
    }
}

fn browser() -> Browser {
    Browser(Visitor::default())
}

#[test]
fn a_login_is_finished_at_its_own_tenant_s_host_alone() {
    for cookies in [true, false] {
        let server = server();
        let hosts = [(ACME, "1 acme /cart"), (ZETA, "2 zeta /cart"), (MAIN, "0 main /cart")];
        for (at, signed_in) in hosts {
            let mut ann = browser();
            let state = ann.start(&server, at);
            for (elsewhere, _) in hosts.iter().filter(|(host, _)| *host != at) {
                let jar = if cookies { ann.0.jar.clone() } else { Vec::new() };
                let mut there = Browser(Visitor { jar, ..Visitor::default() });
                let refused = there.callback(&server, elsewhere, &state);
                assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""), "{at} at {elsewhere}");
                assert!(refused.text.contains("<title>Not signed in</title>"), "{}", refused.text);
            }
            assert_eq!(ann.callback(&server, at, &state).text, signed_in);
        }
        let told = server.told.lock().unwrap();
        assert!(told.iter().all(|code| code == "wrong_redirect" || code == "wrong_tenant"), "{told:?}");
        assert_eq!((told.len(), server.guard.calls()), (6, 3), "the attempts consume nothing");
    }
}

/// Tenants that share a callback address differ only in the tenant, and a login without one belongs to no tenant.
#[test]
fn a_tenant_or_its_absence_is_compared_where_the_redirect_uri_is_the_same() {
    let site = |host: &str| match host {
        ACME => Ok(Site::default().with_tenant([1; 16])),
        ZETA => Ok(Site::default().with_tenant([2; 16])),
        _ => Ok(Site::default()),
    };
    let server =
        server_of(|flow| flow.public_hosts(["shop.example"]).provider(routes::at_shop(Provider::github())), site);
    for (at, signed_in) in [(ACME, "1  /cart"), (ZETA, "2  /cart"), (MAIN, "0  /cart")] {
        let mut ann = browser();
        let state = ann.start(&server, at);
        for elsewhere in [ACME, ZETA, MAIN].into_iter().filter(|host| *host != at) {
            assert_eq!(ann.callback(&server, elsewhere, &state).status, 400, "{at} at {elsewhere}");
            assert_eq!(server.told.lock().unwrap().last().unwrap(), "wrong_tenant");
        }
        assert_eq!(ann.callback(&server, at, &state).text, signed_in);
    }
}

/// An attacker's expired link in the victim's browser: none of the attacker's choices reach the victim's login.
#[test]
fn a_restart_that_is_not_certainly_this_browser_s_takes_the_site_of_its_own_request() {
    let server = server();
    let mut mallory = browser();
    let state = mallory.start(&server, ACME);
    server.clock.advance(Duration::from_secs(700));
    // At another tenant's host there is no restart.
    let refused = browser().callback(&server, ZETA, &state);
    assert_eq!((refused.status.as_u16(), refused.header("location")), (400, ""));
    // At its own host, a browser without a cookie restarts without the path; the token brings no tenant to another
    // host.
    let mut victim = browser();
    let refused = victim.callback(&server, ACME, &state);
    assert_eq!(refused.login_start("/acme/auth/github/callback"), format!("/acme/auth/github?again={state}"));
    let again = format!("/auth/github?again={state}");
    for (host, signed_in) in [(ZETA, "2 zeta -"), (ACME, "1 acme -")] {
        let mut victim = browser();
        let restarted = victim.get(&server, host, &again).state();
        assert_eq!(victim.callback(&server, host, &restarted).text, signed_in);
    }
    // The browser that started the login keeps its path.
    let restarted = mallory.get(&server, ACME, &again).state();
    assert_eq!(mallory.callback(&server, ACME, &restarted).text, "1 acme /cart");
}

/// With one redirect_uri for all, the provider would send every user to one tenant's host.
#[test]
fn the_authorization_url_names_the_redirect_uri_of_its_site() {
    let server = server();
    for (host, id) in [(ACME, "acme"), (ZETA, "zeta"), (MAIN, "main")] {
        let begun = browser().get(&server, host, "/auth/github");
        let expected = format!("https://{host}/{id}/auth/github/callback");
        assert_eq!(begun.parameter("redirect_uri"), Some(expected));
        // The button of a page leads to the login start of its own site, whatever was refused.
        let page = browser().callback(&server, host, "garbage");
        assert!(page.text.contains(&format!("href=\"/{id}/auth/github\"")), "{}", page.text);
    }
}

/// Garbage at the callback must not make the application look up tenants.
#[test]
fn the_site_is_looked_up_for_authentic_states_alone_and_its_failure_consumes_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, down) = (Arc::clone(&asked), Arc::new(AtomicUsize::new(0)));
    let is_down = Arc::clone(&down);
    let server = server_asking(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let site = Site::default().with_tenant([1; 16]).with_redirect("acme");
        if is_down.load(Ordering::SeqCst) == 0 { Ok(site) } else { Err("the tenants' database is down") }
    });
    let mut ann = browser();
    let state = ann.start(&server, ACME);
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1);
    assert_eq!(ann.callback(&server, ACME, "garbage").status, 400);
    assert_eq!(asked.load(Ordering::SeqCst), 0);

    down.store(1, Ordering::SeqCst);
    let page = ann.callback(&server, ACME, &state);
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert!(page.text.contains("We cannot sign you in right now") && !page.text.contains("database"));
    let page = ann.get(&server, ACME, "/auth/github");
    assert_eq!((page.status.as_u16(), page.header("set-cookie")), (503, ""));
    assert_eq!(
        *server.told.lock().unwrap(),
        [
            "malformed",
            "hook_failed",
            "hook_failed: the `site` hook of the routes failed: the tenants' database is down",
        ]
    );
    down.store(0, Ordering::SeqCst);
    assert_eq!(ann.callback(&server, ACME, &state).text, "1 acme /cart");
}
