//! Identity providers that customers add while the service runs, behind the routes.

use std::sync::{Arc, Mutex};

use oauth_state::testing::{ManualClock, ring};
use oauth_state::{Flow, Provider};
use oauth_state_axum::{LoginRoutes, Site};
use support::shop::{CountingGuard, NOW, app};

use crate::routes::{Answer, Server, Visitor, server_of};

const ACME: &str = "01JDQ8ZK3M7Y5V2W9X4R6T1B0C";
const BOLT: &str = "01JDQ8ZK3M7Y5V2W9X4R6T1B0D";

/// The customers' table: id, tenant and client id.
type Table = Arc<Mutex<Vec<(&'static str, [u8; 16], &'static str)>>>;

fn of_host(host: &str) -> Option<[u8; 16]> {
    match host {
        "acme.shop.example" => Some([1; 16]),
        "bolt.shop.example" => Some([2; 16]),
        _ => None,
    }
}

fn server() -> (Server, Table) {
    let table = Table::default();
    table.lock().unwrap().extend([(ACME, [1; 16], "client-7"), (BOLT, [2; 16], "client-8")]);
    let (clock, guard, rows) = (ManualClock::at(NOW), CountingGuard::new(), Arc::clone(&table));
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).loads_providers();
    let server = server_of(flow, &clock, &guard, |flow| {
        LoginRoutes::builder(flow)
            .site(|request| async move {
                let host = request.headers["host"].to_str()?;
                Ok(of_host(host).map_or_else(Site::default, |tenant| Site::default().with_tenant(tenant)))
            })
            .connections(move |id, site| {
                let row = rows.lock().unwrap().iter().find(|(known, ..)| *known == id).copied();
                async move {
                    if id == "broken" {
                        return Err("the database is gone".into());
                    }
                    let Some((_, tenant, client_id)) = row else { return Ok(None) };
                    // As `WHERE id = $1 AND tenant = $2` would.
                    if site != Site::default().with_tenant(tenant) {
                        return Ok(None);
                    }
                    let host = if tenant == [1; 16] { "acme" } else { "bolt" };
                    let uri = format!("https://{host}.shop.example/auth/{id}/callback");
                    let provider = Provider::oidc(&id, "https://login.customer.example")?.client_id(client_id);
                    Ok(Some(
                        provider
                            .authorization_endpoint("https://login.customer.example/auth")
                            .redirect_uri(&uri)
                            .for_tenant(tenant),
                    ))
                }
            })
            .on_login(|login, _| async move {
                Ok(format!("{} {:?}", login.origin.provider, login.origin.return_to.map(|path| path.to_string())))
            })
    });
    (server, table)
}

fn get(ann: &mut Visitor, server: &Server, host: &str, path: &str) -> Answer {
    ann.send_to(server, host, http::Request::get(path), "")
}

fn state(begun: &Answer) -> String {
    begun.state()
}

/// The codes of the refusals.
fn told(server: &Server) -> Vec<String> {
    let told = std::mem::take(&mut *server.told.lock().unwrap());
    told.into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

/// Anyone can send a made-up state: it must not cost the application a look-up, and a failed look-up must not be the
/// response.
#[test]
fn a_state_that_is_not_authentic_loads_nothing() {
    let (server, _) = server();
    let answer = get(&mut Visitor::default(), &server, AT_ACME, "/auth/broken/callback?code=c&state=ost1made-up");
    assert_eq!(answer.status, 400);
    assert_eq!(told(&server), ["malformed"]);
}

const AT_ACME: &str = "acme.shop.example";

#[test]
fn a_provider_that_was_added_a_minute_ago_signs_users_in() {
    let (server, table) = server();
    let mut ann = Visitor::default();
    let new = "0190f3c2-7d4e-7a1b-9c3d-5e6f7a8b9c0d";
    assert_eq!(get(&mut ann, &server, AT_ACME, &format!("/auth/{new}")).status, 404);
    assert_eq!(told(&server), ["unknown_provider"]);
    table.lock().unwrap().push((new, [1; 16], "client-9"));
    let begun = get(&mut ann, &server, AT_ACME, &format!("/auth/{new}?return_to=/cart"));
    assert!(begun.header("location").contains("client_id=client-9"));
    let callback = format!("/auth/{new}/callback?code=c&state={}", state(&begun));
    let done = get(&mut ann, &server, AT_ACME, &callback);
    assert_eq!((done.status.as_u16(), done.text), (200, format!("{new} Some(\"/cart\")")));
    // The second callback restarts at its own login start.
    let again = get(&mut ann, &server, AT_ACME, &callback);
    let login_start = again.login_start(&callback);
    assert!(login_start.starts_with(&format!("/auth/{new}?again=ost1")));
    let restarted = get(&mut ann, &server, AT_ACME, &login_start);
    let done = get(&mut ann, &server, AT_ACME, &format!("/auth/{new}/callback?code=c&state={}", state(&restarted)));
    assert_eq!(done.status, 200);
}

/// A customer's identity provider must not sign users in to another customer, and a code of one must not reach another.
#[test]
fn a_provider_of_one_customer_is_none_of_another() {
    let (server, _) = server();
    let mut ann = Visitor::default();
    assert_eq!(get(&mut ann, &server, AT_ACME, &format!("/auth/{BOLT}")).status, 404);
    assert_eq!(get(&mut ann, &server, "other.example", &format!("/auth/{ACME}")).status, 404);
    assert_eq!(told(&server), ["unknown_provider", "unknown_provider"]);
    let of_acme = state(&get(&mut ann, &server, AT_ACME, &format!("/auth/{ACME}")));
    for (host, path) in [("bolt.shop.example", ACME), ("bolt.shop.example", BOLT), (AT_ACME, BOLT)] {
        let answer = get(&mut ann, &server, host, &format!("/auth/{path}/callback?code=c&state={of_acme}"));
        assert_eq!(answer.status, 400, "{host} {path}");
    }
    assert_eq!(told(&server), ["connection_gone", "wrong_provider", "connection_gone"]);
    assert_eq!(server.guard.calls(), 0);
    let own = get(&mut ann, &server, AT_ACME, &format!("/auth/{ACME}/callback?code=c&state={of_acme}"));
    assert_eq!(own.status, 200);
}

#[test]
fn a_provider_that_was_edited_deleted_or_cannot_be_loaded_consumes_nothing() {
    let (server, table) = server();
    let mut ann = Visitor::default();
    let begin = |ann: &mut Visitor| state(&get(ann, &server, AT_ACME, &format!("/auth/{ACME}")));
    let finish = |ann: &mut Visitor, state: &str| {
        get(ann, &server, AT_ACME, &format!("/auth/{ACME}/callback?code=c&state={state}")).status.as_u16()
    };
    let under_way = begin(&mut ann);
    table.lock().unwrap()[0].2 = "client-of-another";
    assert_eq!((finish(&mut ann, &under_way), told(&server)), (400, vec!["connection_changed".to_owned()]));
    table.lock().unwrap()[0].2 = "client-7";
    let row = table.lock().unwrap().remove(0);
    assert_eq!((finish(&mut ann, &under_way), told(&server)), (400, vec!["connection_gone".to_owned()]));
    table.lock().unwrap().push(row);
    assert_eq!((finish(&mut ann, &under_way), server.guard.calls()), (200, 1));

    let broken = get(&mut ann, &server, AT_ACME, "/auth/broken");
    assert_eq!((broken.status.as_u16(), told(&server)), (503, vec!["hook_failed".to_owned()]));
    let elsewhere = begin(&mut ann);
    let broken = get(&mut ann, &server, AT_ACME, &format!("/auth/broken/callback?code=c&state={elsewhere}"));
    assert_eq!((broken.status.as_u16(), told(&server)), (503, vec!["hook_failed".to_owned()]));
}

#[test]
fn no_return_path_leads_to_another_login_and_no_other_path_is_a_connection_s() {
    let (server, _) = server();
    let mut ann = Visitor::default();
    for path in
        [format!("/auth/{BOLT}"), format!("/AUTH/{BOLT}/callback"), format!("/%61uth/{ACME}"), "/auth/x/y".to_owned()]
    {
        let begun = get(&mut ann, &server, AT_ACME, &format!("/auth/{ACME}?return_to={path}"));
        let done = get(&mut ann, &server, AT_ACME, &format!("/auth/{ACME}/callback?code=c&state={}", state(&begun)));
        assert_eq!(done.text, format!("{ACME} None"), "{path}");
    }
    for path in ["/auth/a%2fb", "/auth/a/b", "/auth/..", "/auth/a/callback/b", "/auth/"] {
        assert_eq!(get(&mut ann, &server, AT_ACME, path).status, 404, "{path}");
    }
    let posted = ann.send_to(&server, AT_ACME, http::Request::post(format!("/auth/{ACME}")), "");
    assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, "GET,HEAD"));
}

/// One link would start login after login, also if a proxy removes `/app`.
#[test]
fn no_return_path_leads_to_a_connection_from_another_provider_or_behind_a_proxy() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let github = Provider::github().client_id("c").redirect_uri("https://acme.shop.example/auth/github/callback");
    let flow = Flow::builder(app(), ring(), guard.clone()).clock(clock.clone()).loads_providers().provider(github);
    let server = server_of(flow, &clock, &guard, |flow| {
        LoginRoutes::builder(flow)
            .connections(|id, _| async move {
                let provider = Provider::oidc(&id, "https://login.customer.example")?.client_id("client-7");
                let provider = provider.authorization_endpoint("https://login.customer.example/auth");
                Ok(Some(provider.redirect_uri(&format!("https://acme.shop.example/app/auth/{id}/callback"))))
            })
            .on_login(|login, _| async move { Ok(format!("{:?}", login.origin.return_to)) })
    });
    let mut ann = Visitor::default();
    for (id, path) in [(ACME, "/app/auth/"), ("github", "/auth/")] {
        let begun = get(&mut ann, &server, AT_ACME, &format!("/auth/{id}?return_to={path}{BOLT}"));
        let done = get(&mut ann, &server, AT_ACME, &format!("/auth/{id}/callback?code=c&state={}", state(&begun)));
        assert_eq!((done.status.as_u16(), done.text.as_str()), (200, "None"), "{id}");
    }
}
