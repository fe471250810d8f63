//! The application around the crate: it saves connections, and loads them for a callback.

use super::rules::{Issuers, Rules};
use super::state::{Address, Connection, Id, Ids, Names, Setup, Slot, Table, Tenant};

/// How the application finds a callback's connection. The crate allows both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// By the id in the callback's path.
    Path,
    /// By the id in the state.
    State,
}

/// The opened state's data about its connection.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub id: Id,
    pub tenant: Option<Tenant>,
}

impl Rules {
    /// Whether the application saves the attacker's request. `met` has the issuers named at the shared address since
    /// the start of the logins in progress.
    pub fn may_save(&self, (setup, table): (Setup, &Table), met: Names, asked: &Connection) -> bool {
        let id_is_free = match setup.ids {
            Ids::Global => table.h.is_none_or(|h| h.id != asked.id),
            Ids::PerTenant => true,
        };
        let is_first_tenants = asked.tenant == Tenant::First;
        // The attacker cannot choose an id of the first tenant, nor change a connection's tenant.
        let is_theirs = table.a.is_none_or(|a| (a.id, a.tenant) == (asked.id, asked.tenant))
            && (!is_first_tenants || asked.id == Id::Two);
        id_is_free && is_theirs && self.may_name_issuer(Slot::A, table, met, asked)
    }

    /// Whether the application saves the request of H's administrator.
    pub fn may_change(&self, table: &Table, met: Names, asked: &Connection) -> bool {
        self.may_name_issuer(Slot::H, table, met, asked)
    }

    fn may_name_issuer(&self, slot: Slot, table: &Table, met: Names, asked: &Connection) -> bool {
        let now = Names::of(table);
        let others = match self.issuers {
            Issuers::UniqueDuringLogins => now.with(met),
            Issuers::UniqueNow => now,
            Issuers::Any => return true,
        };
        let issuer = asked.issuer.issuer().filter(|_| asked.address == Address::Shared);
        !issuer.is_some_and(|issuer| others.are_named_by_another(slot, issuer))
    }

    /// The connection of a callback.
    pub fn load(&self, (setup, table): (Setup, &Table), load: Load, at: Address, named: Named) -> Option<Connection> {
        let (in_path, id_in_path) = match at {
            Address::Own { tenant, id } => (tenant, Some(id)),
            Address::Shared => (None, None),
        };
        let (tenant, id) = match load {
            Load::Path => (in_path, id_in_path?),
            Load::State => (named.tenant.or(in_path), named.id),
        };
        let by_tenant = self.loads_by_tenant && setup.ids == Ids::PerTenant;
        let fits = |one: &Connection| one.id == id && (!by_tenant || tenant.is_none_or(|tenant| one.tenant == tenant));
        // By id alone it may find either; assume the worse one.
        let in_order = if self.loads_by_tenant { [table.h, table.a] } else { [table.a, table.h] };
        in_order.into_iter().flatten().find(fits)
    }
}
