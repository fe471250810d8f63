//! Runs the crate's own `begin`, `open`, `verify` and `mark_used` with two connections through the model's steps.

use std::collections::BTreeMap;

use oauth_state::testing::{self, block_on};
use oauth_state::{
    App, Binding, Callback, Expect, Flow, Login as RealLogin, LoginOutcome, Provider, SingleProcessGuard,
};

use super::application::Named;
use super::properties::Promise;
use super::rules::Rules;
use super::state::{
    Address, ClientId, Code, Connection, End, Id, Issuer, IssuerRule, Login, LoginId, Names, Operator, Setup, Slot,
    State, Table, Tenant,
};
use super::steps::{Arrival, Outcome, Refusal, Step};
use super::trace::Trace;
use super::variants::{Nature, Variant};
use crate::replay::browser::Browser;
use crate::replay::stand_in::StandIn;
use crate::state::Party;

/// How the application uses the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// As intended.
    Design,
    /// `Callback::arrived_at` with the loaded connection's own address, wherever the callback arrived.
    NamesItsAddress,
    /// `Login::tenant` in place of `Provider::for_tenant`, and `Expect::any_tenant`.
    AnyTenant,
    /// No tenant anywhere.
    WithoutTenants,
}

impl Deployment {
    pub fn name(self) -> &'static str {
        match self {
            Self::Design => "as it is meant to be used",
            Self::NamesItsAddress => "with the connection's own address given to arrived_at",
            Self::AnyTenant => "with Expect::any_tenant and without for_tenant",
            Self::WithoutTenants => "without tenants",
        }
    }
}

/// The real code, with an application that follows the rules of a variant.
pub struct World {
    deployment: Deployment,
    application: Rules,
    setup: Setup,
    table: Table,
    flow: Flow,
    provider: StandIn,
    victim: Browser,
    attacker: Browser,
    started: BTreeMap<LoginId, Started>,
    /// The issuers named at the shared address since the start of each login in progress.
    met: BTreeMap<LoginId, Names>,
    codes: Vec<(Code, String)>,
    finished: Vec<(Party, Login)>,
    leaked: bool,
    last: Outcome,
}

struct Started {
    state: String,
    challenge: String,
    at: Connection,
}

impl World {
    pub fn new(setup: Setup, application: Rules, deployment: Deployment) -> Self {
        let app = App::new("shop", "production").unwrap();
        let builder = Flow::builder(app, testing::ring(), SingleProcessGuard::with_capacity(1_000));
        Self {
            deployment,
            application,
            setup,
            table: State::new(setup).table,
            flow: builder.loads_providers().build().unwrap(),
            provider: StandIn::new(true),
            victim: Browser::default(),
            attacker: Browser::default(),
            started: BTreeMap::new(),
            met: BTreeMap::new(),
            codes: Vec::new(),
            finished: Vec::new(),
            leaked: false,
            last: Outcome::Done,
        }
    }

    /// Takes a step of the model, and returns its outcome.
    pub fn take(&mut self, step: Step) -> Outcome {
        self.last = self.change(step).unwrap_or_else(Outcome::Refused);
        self.last
    }

    fn change(&mut self, step: Step) -> Result<Outcome, Refusal> {
        let met = self.met.values().fold(Names::default(), |all, one| all.with(*one));
        match step {
            Step::Save(asked) if !self.application.may_save((self.setup, &self.table), met, &asked) => {
                return Err(Refusal::Elsewhere);
            }
            Step::Change(asked) if !self.application.may_change(&self.table, met, &asked) => {
                return Err(Refusal::Elsewhere);
            }
            Step::Save(asked) => self.table.a = Some(asked),
            Step::Change(h) => self.table.h = Some(h),
            Step::Delete => self.table.h = None,
            Step::Begin { browser, slot } => self.begin(browser, slot)?,
            Step::Authorize(code) => self.authorize(code)?,
            Step::Present(arrival) => return self.present(arrival),
        }
        let now = Names::of(&self.table);
        self.met.values_mut().for_each(|met| *met = met.with(now));
        Ok(Outcome::Done)
    }

    fn browser(&mut self, party: Party) -> &mut Browser {
        match party {
            Party::Victim => &mut self.victim,
            Party::Attacker => &mut self.attacker,
        }
    }

    fn begin(&mut self, browser: Party, slot: Slot) -> Result<(), Refusal> {
        let at = self.table.get(slot).ok_or(Refusal::NothingThere)?;
        let cookies = self.browser(browser).header();
        let login = RealLogin::with(&self.real(&at));
        let login = match self.deployment {
            Deployment::AnyTenant => login.tenant(tenant_bytes(at.tenant)),
            _ => login,
        };
        let begun = self.flow.begin(Binding::cookie_headers([cookies.as_bytes()]), login);
        let begun = begun.map_err(|error| Refusal::Code(error.code()))?;
        self.browser(browser).take(&begun);
        let number = u8::try_from(self.started.keys().filter(|id| id.owner == browser).count()).unwrap();
        let started = Started { state: begun.state, challenge: begun.code_challenge.unwrap(), at };
        self.started.insert(LoginId { owner: browser, number }, started);
        self.met.insert(LoginId { owner: browser, number }, Names::default());
        Ok(())
    }

    fn authorize(&mut self, code: Code) -> Result<(), Refusal> {
        let started = self.started.get(&code.challenge).ok_or(Refusal::NothingThere)?;
        if !self.application.gives_codes(self.table.h) {
            return Err(Refusal::Elsewhere);
        }
        if !self.codes.iter().any(|(known, _)| *known == code) {
            let text = self.provider.authorize(code.account, &started.challenge, &uri(code.to));
            self.codes.push((code, text));
        }
        Ok(())
    }

    fn present(&mut self, arrival: Arrival) -> Result<Outcome, Refusal> {
        let started = self.started.get(&arrival.login).ok_or(Refusal::NothingThere)?;
        let (state, at) = (started.state.clone(), started.at);
        let code = match arrival.code {
            Some(code) => self.codes.iter().find(|(known, _)| *known == code).map(|(_, text)| text.clone()),
            None => Some("made-up".to_owned()),
        };
        let code = code.ok_or(Refusal::NothingThere)?;
        let iss = arrival.iss.map(|iss| ("iss", issuer_text(iss)));
        let pairs = [("state", state.as_str()), ("code", &code)].into_iter().chain(iss);
        let callback = Callback::from_pairs(pairs).unwrap();

        let opened = self.flow.open(callback.clone().arrived_at(&path(arrival.at)));
        let opened = opened.map_err(|error| Refusal::Code(error.code()))?;
        let tenants = [Tenant::First, Tenant::Second].into_iter();
        let sealed = opened.tenant();
        let named = Named {
            id: if opened.provider() == id_text(Id::One) { Id::One } else { Id::Two },
            tenant: tenants.into_iter().find(|one| sealed.as_ref() == Some(&tenant_bytes(*one).into())),
        };
        let Some(loaded) = self.application.load((self.setup, &self.table), arrival.load, arrival.at, named) else {
            return Err(Refusal::Code(opened.connection_gone().code()));
        };
        let opened = match self.deployment {
            Deployment::NamesItsAddress => self.flow.open(callback.arrived_at(&path(loaded.address))).unwrap(),
            _ => opened,
        };
        let real = self.real(&loaded);
        let expect = Expect::connection(&real);
        let expect = if self.deployment == Deployment::AnyTenant { expect.any_tenant() } else { expect };
        let cookies = self.browser(arrival.browser).header();
        let verified = opened.verify(Binding::cookie_headers([cookies.as_bytes()]), expect);
        let answer = verified.and_then(|verified| block_on(verified.mark_used()));
        let login = match answer.map_err(|error| Refusal::Code(error.code()))? {
            LoginOutcome::Authorized(login) => login,
            _ => return Err(Refusal::NothingThere),
        };

        let account = match loaded.operator {
            Operator::Attacker => {
                self.leaked |= arrival.code.is_some_and(|code| code.account == Party::Victim);
                None
            }
            Operator::Honest => {
                let verifier = login.code_verifier.as_ref().unwrap();
                let redirect_uri = login.redirect_uri().unwrap();
                self.provider.exchange(login.code.secret(), verifier.secret(), redirect_uri)
            }
        };
        self.met.remove(&arrival.login);
        let end = Some(End { loaded, account });
        self.finished.push((arrival.login.owner, Login { at, met: Names::default(), end }));
        match (loaded.operator, account) {
            (Operator::Attacker, _) => Ok(Outcome::AttackerAsserts),
            (Operator::Honest, Some(account)) => Ok(Outcome::SignedIn(account)),
            (Operator::Honest, None) => Err(Refusal::Provider),
        }
    }

    /// The provider that the application builds from a row of its table.
    fn real(&self, connection: &Connection) -> Provider {
        let Connection { id, tenant, address, issuer, client_id, authorization, .. } = *connection;
        let client_id = match client_id {
            ClientId::Honest => "client-1",
            ClientId::Renewed => "client-2",
            ClientId::Other => "client-3",
        };
        let endpoint = match authorization {
            Operator::Honest => "https://login.honest.example/authorize",
            Operator::Attacker => "https://login.attacker.example/authorize",
        };
        let bare = Provider::custom(id_text(id)).unwrap().client_id(client_id).redirect_uri(&uri(address));
        let bare = bare.authorization_endpoint(endpoint);
        let bare = if address == Address::Shared { bare.at_shared_callback() } else { bare };
        let provider = match issuer {
            IssuerRule::Unknown => bare,
            IssuerRule::Known(issuer) => bare.issuer(issuer_text(issuer)),
            IssuerRule::Required(issuer) => bare.requires_iss(issuer_text(issuer)),
        };
        match self.deployment {
            Deployment::AnyTenant | Deployment::WithoutTenants => provider,
            Deployment::Design | Deployment::NamesItsAddress => provider.for_tenant(tenant_bytes(tenant)),
        }
    }

    /// Whether the real outcome breaks the promise. A promise to finish is about the last step.
    pub fn breaks(&self, promise: Promise) -> bool {
        let any = |fault: &dyn Fn(&(Party, Login)) -> bool| self.finished.iter().any(fault);
        match promise {
            Promise::NoMixUp => self.leaked,
            Promise::NoBorrowedIdentity => any(&|(_, login)| login.has_borrowed_identity()),
            Promise::NothingChanged => any(&|(_, login)| login.has_outlived_its_connection()),
            Promise::NoInjection => any(&|(owner, login)| {
                let account = login.end.and_then(|end| end.account);
                *owner == Party::Attacker && account == Some(Party::Victim)
            }),
            Promise::HonestFinishes => self.last != Outcome::SignedIn(Party::Victim),
        }
    }
}

fn id_text(id: Id) -> &'static str {
    match id {
        Id::One => "idp-1",
        Id::Two => "idp-2",
    }
}

fn tenant_bytes(tenant: Tenant) -> [u8; 16] {
    match tenant {
        Tenant::First => [1; 16],
        Tenant::Second => [2; 16],
    }
}

fn issuer_text(issuer: Issuer) -> &'static str {
    match issuer {
        Issuer::Honest => "https://login.honest.example",
        Issuer::Attacker => "https://login.attacker.example",
    }
}

fn path(address: Address) -> String {
    match address {
        Address::Shared => "/auth/callback".to_owned(),
        Address::Own { tenant: None, id } => format!("/auth/{}/callback", id_text(id)),
        Address::Own { tenant: Some(Tenant::First), id } => format!("/first/auth/{}/callback", id_text(id)),
        Address::Own { tenant: Some(Tenant::Second), id } => format!("/second/auth/{}/callback", id_text(id)),
    }
}

fn uri(address: Address) -> String {
    format!("https://shop.example{}", path(address))
}

/// The result of an attack on real code.
pub struct Replayed {
    pub deployment: Deployment,
    /// The first step with another outcome than in the variant, and that outcome.
    pub differs: Option<(usize, Outcome)>,
    /// Whether the promise was broken in the end.
    pub broken: bool,
}

/// Runs an attack on real code.
pub fn replay(variant: &Variant, trace: &Trace, deployment: Deployment) -> Replayed {
    let mut world = World::new(trace.first.setup, variant.rules, deployment);
    let outcomes: Vec<_> = trace.steps.iter().map(|(step, _)| world.take(*step)).collect();
    let pairs = outcomes.into_iter().zip(&trace.steps);
    let differs = pairs.enumerate().find(|(_, (outcome, (_, expected)))| outcome != expected);
    let differs = differs.map(|(position, (outcome, _))| (position, outcome));
    Replayed { deployment, differs, broken: world.breaks(variant.breaks) }
}

/// Whether the crate's own code answers each step of an attack as the design does.
pub fn agrees_with_the_design(trace: &Trace) -> bool {
    let mut world = World::new(trace.first.setup, Rules::DESIGN, Deployment::Design);
    let mut state = trace.first.clone();
    trace.steps.iter().all(|(step, _)| {
        let (expected, after) = Rules::DESIGN.take(&state, *step);
        state = after;
        world.take(*step) == expected
    })
}

/// All replays of a variant's attack on real code, and whether they are as expected.
pub fn replay_all(variant: &Variant, trace: &Trace) -> (Vec<Replayed>, bool) {
    let goes_through = |replayed: &Replayed| replayed.differs.is_none() && replayed.broken;
    let design = replay(variant, trace, Deployment::Design);
    match variant.nature {
        Nature::Code { used_so } => {
            let refused = design.differs.is_some() && !design.broken && agrees_with_the_design(trace);
            let used_so = used_so.map(|deployment| replay(variant, trace, deployment));
            let good = refused && used_so.as_ref().is_none_or(goes_through);
            ([Some(design), used_so].into_iter().flatten().collect(), good)
        }
        Nature::Surroundings => {
            let good = goes_through(&design);
            (vec![design], good)
        }
    }
}
