//! Two servers of the crate's own code, two browsers and a stand-in for the provider, driven by the model's steps.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth_state::ring::{KeyRingDocument, RingTiming};
use oauth_state::testing::ManualClock;
use oauth_state::{
    App, Binding, Callback as RealCallback, Expect, FinishError, Flow, LiveKeyRing, Login, LoginOutcome, Provider,
    ReplayGuard, SingleProcessGuard, VerifiedCallback,
};

use super::browser::Browser;
use super::guards::{Forgetful, InTwoSteps};
use super::stand_in::StandIn;
use crate::properties::Promise;
use crate::state::{Callback, Code, FlowId, Party, Secret, Stage};
use crate::steps::{Outcome, Refusal, Step};

const NOW: u64 = 1_800_000_000;
const LIFETIME: Duration = Duration::from_secs(600);
const SKEW: Duration = Duration::from_secs(60);
const REDIRECT_URI: &str = "https://shop.example/auth/github/callback";

/// How the application uses the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// As intended.
    Design,
    /// `Binding::dangerously_unbound`.
    Unbound,
    /// `FlowBuilder::dangerously_allow_plain_http`.
    PlainHttp,
    /// With a guard that remembers nothing.
    ForgetfulGuard,
    /// With a guard that checks, and then marks.
    GuardInTwoSteps,
    /// With a provider that ignores the code_verifier.
    ProviderWithoutPkce,
}

impl Deployment {
    pub fn name(self) -> &'static str {
        match self {
            Self::Design => "as it is meant to be used",
            Self::Unbound => "with Binding::dangerously_unbound",
            Self::PlainHttp => "with dangerously_allow_plain_http",
            Self::ForgetfulGuard => "with a guard that remembers nothing",
            Self::GuardInTwoSteps => "with a guard that looks and then marks",
            Self::ProviderWithoutPkce => "with a provider that compares no code_verifier",
        }
    }
}

type Marking = Pin<Box<dyn Future<Output = Result<LoginOutcome<()>, FinishError>>>>;

/// The progress of a real callback.
enum Held {
    Checked(VerifiedCallback<()>),
    Marking(Marking),
    /// The guard answered at once, although the step was only to check.
    Answered(Result<LoginOutcome<()>, FinishError>),
}

/// A login that really started.
struct Started {
    state: String,
    challenge: String,
    ticks: u8,
    revoked: bool,
}

/// A callback that the guard accepted.
struct Accepted {
    browser: Party,
    flow: FlowId,
    overdue: bool,
    account: Option<Party>,
}

pub struct World {
    deployment: Deployment,
    servers: [Flow; 2],
    keys: [LiveKeyRing; 2],
    document: KeyRingDocument,
    clock: ManualClock,
    provider: StandIn,
    victim: Browser,
    attacker: Browser,
    stolen: Browser,
    flows: BTreeMap<FlowId, Started>,
    codes: BTreeMap<Code, String>,
    callbacks: Vec<(Callback, Held)>,
    accepted: Vec<Accepted>,
    requests: usize,
    ticks: u8,
    revoked: bool,
}

impl World {
    pub fn new(deployment: Deployment) -> Self {
        let clock = ManualClock::at(NOW);
        let timing = RingTiming { propagation: Duration::from_secs(300), skew: SKEW, lifetime_cap: LIFETIME };
        let document = KeyRingDocument::first(timing, at(NOW)).unwrap();
        let guard: Arc<dyn ReplayGuard> = match deployment {
            Deployment::ForgetfulGuard => Arc::new(Forgetful),
            Deployment::GuardInTwoSteps => Arc::new(InTwoSteps::default()),
            _ => Arc::new(SingleProcessGuard::with_capacity(1_000)),
        };
        let keys = [(); 2].map(|()| LiveKeyRing::from(document.ring().clone()));
        let servers = keys.each_ref().map(|keys| {
            let app = App::new("shop", "production").unwrap();
            let builder = Flow::builder(app, keys.clone(), Arc::clone(&guard)).clock(clock.clone()).lifetime(LIFETIME);
            let builder = builder.provider(Provider::github().redirect_uri(REDIRECT_URI));
            let plain = deployment == Deployment::PlainHttp;
            if plain { builder.dangerously_allow_plain_http().build() } else { builder.build() }.unwrap()
        });
        Self {
            deployment,
            servers,
            keys,
            document,
            clock,
            provider: StandIn::new(deployment != Deployment::ProviderWithoutPkce),
            victim: Browser::default(),
            attacker: Browser::default(),
            stolen: Browser::default(),
            flows: BTreeMap::new(),
            codes: BTreeMap::new(),
            callbacks: Vec::new(),
            accepted: Vec::new(),
            requests: 0,
            ticks: 0,
            revoked: false,
        }
    }

    /// Takes a step of the model, and returns its outcome.
    pub fn take(&mut self, step: Step) -> Outcome {
        match step {
            Step::Begin { browser, secret } => self.begin(browser, secret),
            Step::Authorize { account, challenge, state } => return self.authorize(account, challenge, state),
            // The later steps contain what the attacker knows.
            Step::Read(_) => {}
            Step::Steal => self.stolen.copy(&self.victim),
            Step::Plant => {
                let attackers = self.attacker.clone();
                if !self.victim.plant(&attackers) {
                    return Outcome::Refused(Refusal::Browser);
                }
            }
            Step::Present { browser, state, code } => return self.present(browser, state, code),
            Step::Look(callback) => return self.look(callback),
            Step::Mark(callback) => return self.mark(callback),
            Step::Tick => {
                self.ticks += 1;
                self.clock.advance(LIFETIME + SKEW + Duration::from_secs(1));
            }
            Step::Revoke => self.revoke(),
        }
        Outcome::Done
    }

    /// Requests go to the two servers in turn.
    fn server(&mut self) -> Flow {
        self.requests += 1;
        self.servers[self.requests % 2].clone()
    }

    fn binding<'b>(&self, cookies: &'b str) -> Binding<'b> {
        match self.deployment {
            Deployment::Unbound => Binding::dangerously_unbound(),
            _ => Binding::cookie_headers([cookies.as_bytes()]),
        }
    }

    fn begin(&mut self, browser: Party, secret: Secret) {
        let number = u8::try_from(self.flows.keys().filter(|flow| flow.owner == browser).count()).unwrap();
        let cookies = match (browser, secret) {
            // One that the victim does not have yet: the request has no cookie.
            (Party::Victim, Secret::Victim(number)) if usize::from(number) >= self.victim_cookies() => {
                Browser::default()
            }
            (Party::Victim, _) => self.victim.clone(),
            (Party::Attacker, Secret::Attacker) => self.attacker.clone(),
            (Party::Attacker, Secret::Victim(number)) => self.stolen.with_one(number.into()),
        };
        let begun = self.server().begin(self.binding(&cookies.header()), Login::with("github")).unwrap();
        match (browser, secret) {
            (Party::Victim, _) => self.victim.take(&begun),
            (Party::Attacker, Secret::Attacker) => self.attacker.take(&begun),
            (Party::Attacker, Secret::Victim(_)) => {}
        }
        let (ticks, revoked) = (self.ticks, self.revoked);
        let started = Started { state: begun.state, challenge: begun.code_challenge.unwrap(), ticks, revoked };
        self.flows.insert(FlowId { owner: browser, number }, started);
    }

    fn victim_cookies(&self) -> usize {
        let header = self.victim.header();
        header.split("; ").filter(|pair| pair.starts_with("__Host-") || pair.starts_with("insecure-")).count()
    }

    fn authorize(&mut self, account: Party, challenge: FlowId, returned_with: Option<FlowId>) -> Outcome {
        let Some(started) = self.flows.get(&challenge) else { return Outcome::Refused(Refusal::NothingThere) };
        let code = self.provider.authorize(account, &started.challenge, REDIRECT_URI);
        let like = Code { account, challenge, returned_with, number: 0 };
        let number = self.codes.keys().filter(|known| known.is_like(&like)).count();
        self.codes.insert(Code { number: u8::try_from(number).unwrap(), ..like }, code);
        Outcome::Done
    }

    fn present(&mut self, browser: Party, flow: FlowId, code: Option<Code>) -> Outcome {
        let text = code.map_or(Some("made-up".to_owned()), |code| self.codes.get(&code).cloned());
        let (Some(started), Some(text)) = (self.flows.get(&flow), text) else {
            return Outcome::Refused(Refusal::NothingThere);
        };
        let callback = RealCallback::from_query(&format!("code={text}&state={}", started.state)).unwrap();
        let mut cookies = self.victim.clone();
        if browser == Party::Attacker {
            cookies = self.attacker.clone();
            cookies.copy(&self.stolen);
        }
        let server = self.server();
        match server.check(self.binding(&cookies.header()), Expect::provider("github"), callback) {
            Ok(bound) => {
                let callback = Callback { browser, flow, code, stage: Stage::Checked, overdue: false };
                self.callbacks.push((callback, Held::Checked(bound)));
                Outcome::Done
            }
            Err(error) => Outcome::Refused(Refusal::Code(error.code())),
        }
    }

    fn take_callback(&mut self, callback: Callback) -> Option<Held> {
        let position = self.callbacks.iter().position(|(known, _)| *known == callback)?;
        Some(self.callbacks.remove(position).1)
    }

    /// Polls the guard once.
    fn look(&mut self, callback: Callback) -> Outcome {
        let Some(Held::Checked(bound)) = self.take_callback(callback) else {
            return Outcome::Refused(Refusal::NothingThere);
        };
        let mut marking: Marking = Box::pin(bound.mark_used());
        let held = match poll(&mut marking) {
            Poll::Pending => Held::Marking(marking),
            Poll::Ready(Err(error)) => return Outcome::Refused(Refusal::Code(error.code())),
            Poll::Ready(Ok(finished)) => Held::Answered(Ok(finished)),
        };
        self.callbacks.push((Callback { stage: Stage::Looked, ..callback }, held));
        Outcome::Done
    }

    /// Waits for the guard, and exchanges the code.
    fn mark(&mut self, callback: Callback) -> Outcome {
        let answer = match self.take_callback(callback) {
            None => return Outcome::Refused(Refusal::NothingThere),
            Some(Held::Checked(bound)) => wait(Box::pin(bound.mark_used())),
            Some(Held::Marking(marking)) => wait(marking),
            Some(Held::Answered(answer)) => answer,
        };
        let login = match answer {
            Ok(LoginOutcome::Authorized(login)) => login,
            Ok(_) => return Outcome::Refused(Refusal::NothingThere),
            Err(error) => return Outcome::Refused(Refusal::Code(error.code())),
        };
        let account =
            self.provider.exchange(login.code.secret(), login.code_verifier.as_ref().unwrap().secret(), REDIRECT_URI);
        let Callback { browser, flow, .. } = callback;
        let started = &self.flows[&flow];
        let overdue = started.ticks < self.ticks || (self.revoked && !started.revoked);
        self.accepted.push(Accepted { browser, flow, overdue, account });
        account.map_or(Outcome::Refused(Refusal::Provider), Outcome::SignedIn)
    }

    /// Finishes every open callback.
    pub fn go_on(&mut self) {
        while let Some((callback, _)) = self.callbacks.first() {
            let callback = *callback;
            let _ = self.mark(callback);
        }
    }

    fn revoke(&mut self) {
        use oauth_state::Clock;
        let now = self.clock.now();
        let (id, _) = self.document.ring().roles(now).next().unwrap();
        self.document = self.document.revoke(id, now).unwrap().document;
        for keys in &self.keys {
            keys.offer(&self.document.to_secret_text(), now).unwrap();
        }
        self.revoked = true;
    }

    /// Whether the real outcome breaks the promise. A promise to finish is about this login of the victim.
    pub fn breaks(&self, promise: Promise, to_finish: Option<FlowId>) -> bool {
        let signed_in = |browser, account| move |one: &Accepted| one.browser == browser && one.account == Some(account);
        let any = |fault: &dyn Fn(&Accepted) -> bool| self.accepted.iter().any(fault);
        match promise {
            Promise::Agreement | Promise::NoBurning => any(&|one| one.browser != one.flow.owner),
            Promise::Injectivity => any(&|one| self.accepted.iter().filter(|other| other.flow == one.flow).count() > 1),
            Promise::NoCodeInjection => any(&signed_in(Party::Attacker, Party::Victim)),
            Promise::NoFixation => any(&signed_in(Party::Victim, Party::Attacker)),
            Promise::NothingOverdue => any(&|one| one.overdue),
            Promise::AlwaysFinishes | Promise::TwoTabsFinish => {
                !any(&|one| Some(one.flow) == to_finish && signed_in(Party::Victim, Party::Victim)(one))
            }
        }
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn poll(marking: &mut Marking) -> Poll<Result<LoginOutcome<()>, FinishError>> {
    marking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The guards here need no more than two polls.
fn wait(mut marking: Marking) -> Result<LoginOutcome<()>, FinishError> {
    loop {
        if let Poll::Ready(answer) = poll(&mut marking) {
            return answer;
        }
    }
}
