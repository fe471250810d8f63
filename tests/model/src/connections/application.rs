//! What the application does around the crate: saves connections, and loads them for a callback.

use super::rules::{Issuers, Rules};
use super::state::{Address, Connection, Id, Ids, Names, Setup, Slot, Table, Tenant};

/// By what the application finds the connection of a callback. The crate allows both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// By the id in the callback's path.
    Path,
    /// By the id that the state names.
    State,
}

/// What an opened state says of its connection.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub id: Id,
    pub tenant: Option<Tenant>,
}

impl Rules {
    /// Whether the application saves what the attacker asks for. `met` is what was named at the shared address since the logins started
    /// that are under way.
    pub fn may_save(&self, (setup, table): (Setup, &Table), met: Names, asked: &Connection) -> bool {
        let id_is_free = match setup.ids {
            Ids::Global => table.h.is_none_or(|h| h.id != asked.id),
            Ids::PerTenant => true,
        };
        let is_first_tenants = asked.tenant == Tenant::First;
        // An id of the first tenant's, or the tenant of a connection, are not the attacker's to choose.
        let is_theirs = table.a.is_none_or(|a| (a.id, a.tenant) == (asked.id, asked.tenant))
            && (!is_first_tenants || asked.id == Id::Two);
        id_is_free && is_theirs && self.may_name_issuer(Slot::A, table, met, asked)
    }

    /// Whether the application saves what the administrator of H asks for.
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
        // By id alone it may find either, and finds what is worse.
        let in_order = if self.loads_by_tenant { [table.h, table.a] } else { [table.a, table.h] };
        in_order.into_iter().flatten().find(fits)
    }
}
