//! The side on which a login starts, and the side that gets a callback.

use std::sync::Mutex;

use super::*;
use crate::{Issued, LegacyStore, StoreError, UnboundLegacyStore, is_form_of_this_crate};
use oauth_state::BoxFuture;

/// An old store that records the states that it is asked for.
#[derive(Default)]
struct Recording(Arc<Mutex<Vec<String>>>);

impl LegacyStore<()> for Recording {
    fn insert<'a>(&'a self, _: oauth_state::Origin, (): ()) -> BoxFuture<'a, Result<Issued, StoreError>> {
        Box::pin(async { Ok(Issued::bare("an old state".to_owned())) })
    }

    fn take<'a>(&'a self, state: &'a str) -> BoxFuture<'a, Result<Option<()>, StoreError>> {
        self.0.lock().unwrap().push(state.to_owned());
        Box::pin(async { Ok(Some(())) })
    }

    fn owns(&self, state: &str) -> bool {
        !is_form_of_this_crate(state)
    }
}

fn migration() -> (Migration<()>, Arc<Mutex<Vec<String>>>) {
    let old = Recording::default();
    let asked = Arc::clone(&old.0);
    (Migration::new(UnboundLegacyStore::new(old), oauth_state::testing::flow()).unwrap(), asked)
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn session() -> Binding<'static> {
    Binding::session(&[7; 16]).unwrap()
}

#[test]
fn the_percentage_is_drawn_for_each_login() {
    let (logins, _) = migration();
    for (percent, between) in [(0, 0..=0), (10, 120..=290), (50, 850..=1_150), (100, 2_000..=2_000)] {
        logins.set_percent(percent).unwrap();
        let before = logins.counts().new.issued;
        for _ in 0..2_000 {
            let _ = run(logins.issue(session(), Login::with("github"))).unwrap();
        }
        // Six standard deviations and more on either side.
        let new = logins.counts().new.issued - before;
        assert!(between.contains(&new), "{new} of 2000 at {percent} %");
    }
    let counts = logins.counts();
    assert_eq!(counts.old.issued + counts.new.issued, 8_000);
    assert!(counts.old.last_issued_at.is_some());
}

#[test]
fn more_than_everything_and_two_sides_of_one_form_are_refused() {
    let (logins, _) = migration();
    logins.set_percent(40).unwrap();
    assert_eq!(logins.set_percent(101), Err(MigrationError::Percent(101)));
    assert_eq!(logins.percent(), 40, "nothing changes");
    let same = Migration::new(oauth_state::testing::flow(), oauth_state::testing::flow());
    assert_eq!(same.unwrap_err(), MigrationError::SameForm("ost1"));
    let stores: [(&str, Arc<dyn StateStore<()>>); 1] = [("sealed", Arc::new(oauth_state::testing::flow()))];
    let plan = "old=sealed new=sealed percent=100".parse::<MigrationPlan>().unwrap();
    assert_eq!(plan.build(stores).unwrap_err(), MigrationError::SameStore("sealed".to_owned()));
}

/// Downgrade: a state that the bound side refuses must not be tried on the unbound side.
#[test]
fn a_state_that_one_side_refuses_is_never_tried_on_the_other() {
    let (logins, asked) = migration();
    logins.set_percent(100).unwrap();
    let issued = run(logins.issue(session(), Login::with("github"))).unwrap();
    let last = if issued.state.ends_with('A') { 'Q' } else { 'A' };
    let changed = format!("{}{last}", &issued.state[..issued.state.len() - 1]);
    for state in [issued.state.clone(), changed, format!("ost1{}", "A".repeat(80)), format!("osr1{}", "A".repeat(80))] {
        let other = Binding::session(&[8; 16]).unwrap();
        let callback = Callback::from_pairs([("code", "code"), ("state", state.as_str())]).unwrap();
        let refused = run(logins.consume(other, Expect::provider("github"), callback)).unwrap_err();
        assert!(["other_session", "forged", "unknown_key", "malformed"].contains(&refused.code()), "{refused}");
    }
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
    let counts = logins.counts();
    assert_eq!((counts.new.refused, counts.unowned, counts.old.refused), (3, 1, 0));
}

#[test]
fn a_state_of_another_form_goes_to_the_old_side() {
    let (logins, asked) = migration();
    logins.set_percent(100).unwrap();
    let callback = Callback::from_pairs([("code", "code"), ("state", "an old state")]).unwrap();
    assert!(run(logins.consume(session(), Expect::provider("github"), callback)).is_ok());
    assert_eq!(*asked.lock().unwrap(), ["an old state"]);
    assert_eq!(logins.counts().old.consumed, 1);
}

#[test]
fn the_unbound_side_begins_no_link_and_heeds_no_prefetch() {
    let (logins, asked) = migration();
    let login = Login::with("github").purpose(oauth_state::Purpose::Link);
    let refused = run(logins.issue(session().for_user(b"user").unwrap(), login)).unwrap_err();
    assert!(matches!(refused, BeginError::UnboundNotAllowed(_)));
    assert_eq!(logins.counts().old.not_issued, 1);

    let headers = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("sec-purpose"),
        http::HeaderValue::from_static("prefetch"),
    )]);
    let callback = Callback::from_pairs([("code", "code"), ("state", "an old state")]).unwrap();
    let refused = run(logins.consume(Binding::cookies(&headers), Expect::provider("github"), callback)).unwrap_err();
    assert_eq!(refused.code(), "not_consumed");
    assert_eq!(logins.counts().old.refused, 0, "nothing was refused or used up");

    let long = Callback::from_pairs([("code", "code"), ("state", &"a".repeat(2_049))]).unwrap();
    let refused = run(logins.consume(session(), Expect::provider("github"), long)).unwrap_err();
    assert_eq!(refused.code(), "too_long");
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn a_plan_that_does_not_read_says_why() {
    for (text, why) in [
        ("", "all required"),
        ("old=a new=b", "all required"),
        ("old=a new=b percent=", "empty or repeated"),
        ("old=a old=a new=b percent=1", "empty or repeated"),
        ("old=a new=b percent=-1", "not a percentage"),
        ("old=a new=b percent=1.5", "not a percentage"),
        ("old=a new=b percent=101", "between 0 and 100"),
        ("old=a new=b percent=1000", "not a percentage"),
        ("old=a new=b percents=1", "is not old, new or percent"),
        ("sealed", "has no `=`"),
    ] {
        let error = text.parse::<MigrationPlan>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let read = "# ours\nold=a\tnew=b # not yet c=d\n\npercent=7\r\n".parse::<MigrationPlan>().unwrap();
    assert_eq!(read, "percent=7 new=b old=a".parse::<MigrationPlan>().unwrap());
}
