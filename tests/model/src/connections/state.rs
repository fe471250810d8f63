//! The model's state: the connections that the application has saved, the logins in progress, and the codes.

use arrayvec::ArrayVec;

use crate::state::Party;

/// The operator of an identity provider, with its authorization endpoint and token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    Honest,
    Attacker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tenant {
    /// The tenant of the honest connection. The attacker may run a second connection of it, but does not administer it.
    First,
    /// The attacker's own tenant.
    Second,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    One,
    Two,
}

/// The two issuer identifiers. A connection of either side may name either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Issuer {
    Honest,
    Attacker,
}

/// A connection's rule for its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssuerRule {
    Unknown,
    /// If `iss` comes, it must be this one.
    Known(Issuer),
    /// `iss` must come and be this one.
    Required(Issuer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientId {
    /// The one that the honest provider gave to the application. It is public.
    Honest,
    /// A later one of the honest provider.
    Renewed,
    /// Any other, made up by the attacker.
    Other,
}

/// A callback address, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// With the connection's id, and with its tenant if ids are unique only within a tenant.
    Own {
        tenant: Option<Tenant>,
        id: Id,
    },
    Shared,
}

/// The application's data about an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    pub id: Id,
    pub tenant: Tenant,
    pub address: Address,
    pub issuer: IssuerRule,
    pub client_id: ClientId,
    /// The operator of the authorization endpoint, who learns the state and the code_challenge of each login.
    pub authorization: Operator,
    /// The operator of the token endpoint, who gets the codes and names the user.
    pub operator: Operator,
}

/// Whether two connections can have one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ids {
    /// Only one after the other: the id of a deleted connection may be reused.
    Global,
    PerTenant,
}

/// The honest connection's address, and whether its provider sends `iss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Honest {
    OwnAddress,
    OwnAddressAndIss,
    SharedAddressAndIss,
}

/// The initial and constant data of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setup {
    pub ids: Ids,
    pub honest: Honest,
}

/// The place of a connection in the application's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    H,
    A,
}

/// The existing connections. H is honest until its administrator moves it to a provider of the attacker; A is the
/// attacker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    pub h: Option<Connection>,
    pub a: Option<Connection>,
}

/// A login, by who started it and the number of their earlier logins. It also identifies its state and its
/// code_challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId {
    pub owner: Party,
    pub number: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login {
    /// The connection at the start.
    pub at: Connection,
    /// The issuers named at the shared address since the start.
    pub met: Names,
    pub end: Option<End>,
}

/// Which connection named which issuer at the shared address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Names(u8);

/// The outcome of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// The connection that the callback loaded: its token endpoint got the code and the code_verifier, and named the
    /// user.
    pub loaded: Connection,
    /// The account at the honest provider, if the code went there and was accepted.
    pub account: Option<Party>,
}

/// A code of the honest provider: for whose account, under which challenge, with which state in the redirect, and to
/// which address. The attacker reads the codes of their own account from their redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    pub account: Party,
    pub challenge: LoginId,
    pub returned_with: Option<LoginId>,
    pub to: Address,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    pub code: Code,
    pub exchanged: bool,
    /// It is the victim's, and went to a token endpoint of the attacker.
    pub leaked: bool,
}

/// Room for the largest bounds, and for one more login.
pub const MOST: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub setup: Setup,
    pub table: Table,
    pub changes: u8,
    pub of_victim: ArrayVec<Login, MOST>,
    pub of_attacker: ArrayVec<Login, MOST>,
    /// Sorted, so that states that differ only in the order of their codes are equal.
    pub grants: ArrayVec<Grant, MOST>,
}

impl Setup {
    pub fn all() -> impl Iterator<Item = Self> {
        let honest = [Honest::OwnAddress, Honest::OwnAddressAndIss, Honest::SharedAddressAndIss];
        [Ids::Global, Ids::PerTenant].into_iter().flat_map(move |ids| honest.map(|honest| Self { ids, honest }))
    }

    /// The initial honest connection.
    pub fn h(self) -> Connection {
        let (id, tenant) = (Id::One, Tenant::First);
        Connection {
            id,
            tenant,
            address: match self.honest {
                Honest::SharedAddressAndIss => Address::Shared,
                _ => self.own_address(tenant, id),
            },
            issuer: match self.honest {
                Honest::OwnAddress => IssuerRule::Known(Issuer::Honest),
                _ => IssuerRule::Required(Issuer::Honest),
            },
            client_id: ClientId::Honest,
            authorization: Operator::Honest,
            operator: Operator::Honest,
        }
    }

    pub fn own_address(self, tenant: Tenant, id: Id) -> Address {
        Address::Own { tenant: (self.ids == Ids::PerTenant).then_some(tenant), id }
    }

    /// The `iss` that the honest provider sends with its code.
    pub fn iss(self) -> Option<Issuer> {
        (self.honest != Honest::OwnAddress).then_some(Issuer::Honest)
    }
}

impl Table {
    pub fn get(&self, slot: Slot) -> Option<Connection> {
        match slot {
            Slot::H => self.h,
            Slot::A => self.a,
        }
    }
}

impl Connection {
    /// The fields whose change makes it another connection for the logins in progress.
    fn identity(&self) -> impl PartialEq + use<> {
        (self.id, self.tenant, self.address, self.issuer.issuer(), self.client_id, self.authorization, self.operator)
    }
}

impl Names {
    fn one(slot: Slot, issuer: Issuer) -> u8 {
        1 << (2 * slot as u8 + issuer as u8)
    }

    pub fn of(table: &Table) -> Self {
        let name = |slot| {
            let at_shared = table.get(slot).filter(|one| one.address == Address::Shared);
            at_shared.and_then(|one| one.issuer.issuer()).map_or(0, |issuer| Self::one(slot, issuer))
        };
        Self(name(Slot::H) | name(Slot::A))
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn are_named_by_another(self, slot: Slot, issuer: Issuer) -> bool {
        let other = if slot == Slot::H { Slot::A } else { Slot::H };
        self.0 & Self::one(other, issuer) != 0
    }
}

impl Login {
    /// Whether it ended with an identity that the attacker asserts, and did not start at that connection.
    pub fn has_borrowed_identity(&self) -> bool {
        self.end.is_some_and(|End { loaded, .. }| {
            let is_own =
                self.at.operator == Operator::Attacker && (self.at.id, self.at.tenant) == (loaded.id, loaded.tenant);
            loaded.operator == Operator::Attacker && !is_own
        })
    }

    /// Whether it ended at a connection that was another one at the start.
    pub fn has_outlived_its_connection(&self) -> bool {
        self.end.is_some_and(|end| end.loaded.identity() != self.at.identity())
    }
}

impl IssuerRule {
    pub fn issuer(self) -> Option<Issuer> {
        match self {
            Self::Unknown => None,
            Self::Known(issuer) | Self::Required(issuer) => Some(issuer),
        }
    }

    pub fn is_required(self) -> bool {
        matches!(self, Self::Required(_))
    }
}

impl State {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            table: Table { h: Some(setup.h()), a: None },
            changes: 0,
            of_victim: ArrayVec::new(),
            of_attacker: ArrayVec::new(),
            grants: ArrayVec::new(),
        }
    }

    pub fn logins(&self, owner: Party) -> &ArrayVec<Login, MOST> {
        match owner {
            Party::Victim => &self.of_victim,
            Party::Attacker => &self.of_attacker,
        }
    }

    pub fn logins_mut(&mut self, owner: Party) -> &mut ArrayVec<Login, MOST> {
        match owner {
            Party::Victim => &mut self.of_victim,
            Party::Attacker => &mut self.of_attacker,
        }
    }

    pub fn login(&self, id: LoginId) -> Option<&Login> {
        self.logins(id.owner).get(usize::from(id.number))
    }

    pub fn ids(&self, owner: Party) -> impl Iterator<Item = LoginId> + use<> {
        let started = self.logins(owner).len();
        (0..started).map(move |number| LoginId { owner, number: u8::try_from(number).unwrap_or(u8::MAX) })
    }

    /// The issuers named at the shared address since the start of the logins in progress.
    pub fn met(&self) -> Names {
        let open = self.all_logins().filter(|(_, login)| login.end.is_none());
        open.fold(Names::default(), |met, (_, login)| met.with(login.met))
    }

    /// Adds the issuers named now to each login in progress.
    pub fn meet(&mut self) {
        let now = Names::of(&self.table);
        let open = self.of_victim.iter_mut().chain(&mut self.of_attacker).filter(|login| login.end.is_none());
        open.for_each(|login| login.met = login.met.with(now));
    }

    pub fn all_logins(&self) -> impl Iterator<Item = (Party, &Login)> {
        let of = |owner| self.logins(owner).iter().map(move |login| (owner, login));
        of(Party::Victim).chain(of(Party::Attacker))
    }

    /// Equal codes are stored once: nothing depends on their number.
    pub fn add_code(&mut self, code: Code) {
        if !self.grants.iter().any(|grant| grant.code == code) {
            self.grants.push(Grant { code, exchanged: false, leaked: false });
            self.grants.sort_unstable();
        }
    }
}
