//! A store is asked only for a login that passed every check, and its rows and handles work nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use oauth_state::testing::{ManualClock, ring};
use oauth_state::{App, BeginError, Binding, BoxFuture, Callback, Expect, Flow, FlowBuilder, Login, Provider};
use oauth_state_store::{HandleKind, MemoryPayloadStore, Payload, PayloadStore, StateStore, StoreError, StoredFlow};
use support::shop::{CountingGuard, NOW, app, block_on, callback, session};

/// A store that counts its reads and lets a test change its rows.
#[derive(Clone, Default)]
struct Shelf {
    rows: Arc<Mutex<HashMap<[u8; 16], Vec<u8>>>>,
    reads: Arc<Mutex<usize>>,
}

impl PayloadStore for Shelf {
    fn kind(&self) -> HandleKind {
        HandleKind::OTHER
    }

    fn put<'a>(&'a self, row: &'a Payload) -> BoxFuture<'a, Result<(), StoreError>> {
        self.rows.lock().unwrap().insert(*row.id(), row.value().to_vec());
        Box::pin(async { Ok(()) })
    }

    fn get<'a>(&'a self, id: &'a [u8; 16]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        *self.reads.lock().unwrap() += 1;
        let found = self.rows.lock().unwrap().get(id).cloned();
        Box::pin(async { Ok(found) })
    }
}

fn builder(guard: &CountingGuard) -> FlowBuilder<String> {
    Flow::builder(app(), ring(), guard.clone()).carrying().provider(Provider::github()).provider(Provider::google())
}

fn shelf() -> (StoredFlow<String>, Shelf, CountingGuard) {
    let (shelf, guard) = (Shelf::default(), CountingGuard::new());
    (StoredFlow::new(builder(&guard), shelf.clone()).unwrap(), shelf, guard)
}

fn begin(flow: &StoredFlow<String>, data: &str) -> String {
    block_on(flow.begin(session(), Login::with("github").data(data.to_owned()))).unwrap().state
}

fn finish(flow: &StoredFlow<String>, binding: Binding<'_>, provider: &str, callback: Callback) -> &'static str {
    let finished = block_on(flow.finish(binding, Expect::provider(provider), callback));
    finished.map_or_else(|error| error.code(), |_| "finished")
}

/// An attacker's callback must not make the store work, nor use the login up.
#[test]
fn the_row_is_read_after_every_check_and_after_the_guard() {
    let (flow, shelf, guard) = shelf();
    let state = begin(&flow, "data");
    let other = Binding::session(&[8; 16]).unwrap();
    assert_eq!(finish(&flow, other, "github", callback(&state)), "other_session");
    assert_eq!(finish(&flow, session(), "google", callback(&state)), "wrong_provider");
    let last = if state.ends_with('A') { 'Q' } else { 'A' };
    let changed = format!("{}{last}", &state[..state.len() - 1]);
    assert_eq!(finish(&flow, session(), "github", callback(&changed)), "forged");
    assert_eq!((*shelf.reads.lock().unwrap(), guard.calls()), (0, 0));
    assert_eq!(finish(&flow, session(), "github", callback(&state)), "finished");
    assert_eq!((*shelf.reads.lock().unwrap(), guard.calls()), (1, 1));
    assert_eq!(finish(&flow, session(), "github", callback(&state)), "already_used");
    assert_eq!((*shelf.reads.lock().unwrap(), guard.calls()), (1, 2), "a used state reads nothing");
}

/// An attacker with write access to the store changes, truncates, moves or deletes a row.
#[test]
fn only_its_own_row_opens_for_a_login() {
    type Fault = fn(&mut HashMap<[u8; 16], Vec<u8>>);
    let faults: [(&str, Fault); 5] = [
        ("forged", |rows| rows.values_mut().for_each(|value| value[0] ^= 1)),
        ("forged", |rows| rows.values_mut().for_each(|value| value.truncate(15))),
        ("forged", |rows| rows.values_mut().for_each(Vec::clear)),
        ("forged", |rows| {
            let values: Vec<_> = rows.values().cloned().collect();
            rows.values_mut().zip(values.into_iter().rev()).for_each(|(value, other)| *value = other);
        }),
        ("not_stored", HashMap::clear),
    ];
    for (code, fault) in faults {
        let (flow, shelf, _) = shelf();
        let states = [begin(&flow, "first"), begin(&flow, "other")];
        fault(&mut shelf.rows.lock().unwrap());
        for state in &states {
            assert_eq!(finish(&flow, session(), "github", callback(state)), code);
        }
    }
}

/// A state of one kind of store at the callback of another.
#[test]
fn every_kind_of_store_takes_its_own_states_alone() {
    let guard = CountingGuard::new();
    let sealed = builder(&guard).build().unwrap();
    let memory = StoredFlow::new(builder(&guard), MemoryPayloadStore::with_capacity(10)).unwrap();
    let other = StoredFlow::new(builder(&guard), Shelf::default()).unwrap();
    let stores: [&dyn StateStore<String>; 3] = [&sealed, &memory, &other];
    for (here, begun_by) in stores.iter().enumerate() {
        let login = Login::with("github").data("data".to_owned());
        let state = block_on(begun_by.issue(session(), login)).unwrap().state;
        for (there, store) in stores.iter().enumerate().filter(|(there, _)| *there != here) {
            assert!(!store.owns(&state), "{here} {there}");
            let refused = block_on(store.consume(session(), Expect::provider("github"), callback(&state)));
            assert_eq!(refused.unwrap_err().code(), "malformed", "{here} {there}");
        }
        assert!(begun_by.owns(&state));
        assert!(block_on(begun_by.consume(session(), Expect::provider("github"), callback(&state))).is_ok());
    }
}

/// A flood of long data.
#[test]
fn data_that_is_too_long_is_told_to_the_byte_and_nothing_is_stored() {
    let (flow, shelf, _) = shelf();
    let begin = |characters: usize| block_on(flow.begin(session(), Login::with("github").data("a".repeat(characters))));
    assert!(begin(65_534).is_ok());
    let refused = begin(65_535).unwrap_err();
    assert!(matches!(refused, BeginError::DataTooLong { actual: 65_537, limit: 65_536 }), "{refused}");
    assert_eq!(shelf.rows.lock().unwrap().len(), 1);
}

/// A clock that leaps ahead for one request must not end every login in progress.
#[test]
fn a_leap_of_the_clock_drops_no_row_of_memory() {
    let (clock, guard) = (ManualClock::at(NOW), CountingGuard::new());
    let flow = StoredFlow::new(builder(&guard).clock(clock.clone()), MemoryPayloadStore::with_capacity(10)).unwrap();
    // A clock is trusted once requests have come for a minute.
    let _ = begin(&flow, "the first");
    clock.set(NOW + 60);
    let earlier = begin(&flow, "earlier");
    clock.set(NOW + 60 + 7_200);
    let _ = begin(&flow, "from the future");
    clock.set(NOW + 61);
    assert_eq!(finish(&flow, session(), "github", callback(&earlier)), "finished");
}

/// During a renaming, the row of a login is sealed with the names that the login started under.
#[test]
fn a_login_of_the_other_name_finishes_with_its_row() {
    let (shelf, guard, clock) = (Shelf::default(), CountingGuard::new(), ManualClock::at(NOW));
    let until = UNIX_EPOCH + Duration::from_secs(NOW + 100);
    let [shop, store] = [["shop", "store"], ["store", "shop"]].map(|names| {
        let [own, other] = names.map(|name| App::new(name, "test").unwrap());
        let builder = Flow::builder(own, ring(), guard.clone()).carrying().provider(Provider::github());
        StoredFlow::new(builder.clock(clock.clone()).accept_app(other, until), shelf.clone()).unwrap()
    });
    for (here, there) in [(&shop, &store), (&store, &shop)] {
        let state = begin(here, "data");
        assert_eq!(finish(there, session(), "github", callback(&state)), "finished");
        assert_eq!(finish(here, session(), "github", callback(&state)), "already_used");
    }
    let late = begin(&shop, "data");
    clock.set(NOW + 100);
    assert_eq!(finish(&store, session(), "github", callback(&late)), "unknown_key");
}
