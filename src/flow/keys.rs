//! A flow's view of the keys: everything that it derives from the ring in use, swapped in one step.

use std::sync::Arc;

use crate::name::{App, Purpose};
use crate::ring::key::KeyRing;
use crate::ring::live::LiveKeyRing;
use crate::ring::live::reader::{Commit, RingReader};
use crate::ring::source::RingError;
use crate::sync::{ArcSwap, Guard};
use crate::token::keys::{AcceptedApp, KeyTable, SameKeyId};
use crate::token::wire::Form;

/// The keys of one flow. Reading them takes no lock and never waits for a swap.
pub(super) struct FlowKeys {
    /// Keeps the ring alive, and receives reports of unknown keys.
    handle: LiveKeyRing,
    table: Arc<FollowedTable>,
}

/// The table that is swapped with the ring, and the inputs of its derivation.
struct FollowedTable {
    current: ArcSwap<KeyTable>,
    app: App,
    accepted: Option<AcceptedApp>,
    purposes: Vec<Purpose>,
    lifetime: u16,
}

impl FlowKeys {
    /// Follows `handle` from now on, if `check` accepts its current ring.
    pub(super) fn follow<E: From<SameKeyId>>(
        handle: LiveKeyRing,
        app: App,
        accepted: Option<AcceptedApp>,
        purposes: &[Purpose],
        form: Form,
        check: impl FnOnce(&KeyRing) -> Result<u16, E>,
    ) -> Result<Self, E> {
        let table = handle.follow(|ring| -> Result<_, E> {
            let lifetime = check(&ring)?;
            let table = KeyTable::accepting(ring, purposes, &app, accepted.as_ref(), form)?;
            let current = ArcSwap::from_pointee(table);
            Ok(Arc::new(FollowedTable { current, app, accepted, purposes: purposes.to_vec(), lifetime }))
        })?;
        Ok(Self { handle, table })
    }

    /// The keys as they are now. A later swap does not change this view.
    pub(super) fn load(&self) -> Guard<Arc<KeyTable>> {
        self.table.current.load()
    }

    /// The lifetime of a state, in seconds: at most the lifetime cap of the ring in use.
    pub(super) fn lifetime(&self) -> u16 {
        self.table.lifetime
    }

    pub(super) fn handle(&self) -> &LiveKeyRing {
        &self.handle
    }
}

impl RingReader for FollowedTable {
    fn prepare<'a>(&'a self, ring: &KeyRing) -> Result<Commit<'a>, RingError> {
        let cap = ring.timing().lifetime_cap;
        if self.lifetime > cap {
            return Err(RingError::LifetimeCap { cap, lifetime: self.lifetime });
        }
        let (accepted, form) = (self.accepted.as_ref(), self.current.load().form());
        let table = KeyTable::accepting(ring.clone(), &self.purposes, &self.app, accepted, form)
            .map_err(|SameKeyId| RingError::KeyIdCollision)?;
        let table = Arc::new(table);
        Ok(Box::new(move || self.current.store(table)))
    }
}
