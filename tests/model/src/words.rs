//! A trace in words: the messages between the parties.

use crate::checking::Trace;
use crate::state::{Callback, Code, FlowId, Party, Reading};
use crate::steps::{Outcome, Refusal, Step};

/// The parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Browser(Party),
    Server(u8),
    Provider,
}

impl Lane {
    pub fn name(self) -> String {
        match self {
            Self::Browser(Party::Victim) => "victim’s browser".to_owned(),
            Self::Browser(Party::Attacker) => "attacker".to_owned(),
            Self::Server(number) => format!("server {number}"),
            Self::Provider => "provider".to_owned(),
        }
    }
}

/// One line of a drawing.
#[derive(Clone, Debug)]
pub struct Event {
    /// The step of the trace to which it belongs.
    pub step: usize,
    pub from: Lane,
    /// The same as `from` for events in one place.
    pub to: Lane,
    pub text: String,
    pub tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Usual,
    /// The attacker's action.
    Attack,
    Refused,
    /// A browser is signed in.
    SignedIn,
}

/// All events of a trace.
pub fn events(trace: &Trace) -> Vec<Event> {
    let mut teller = Teller::default();
    for (position, (step, outcome)) in trace.steps.iter().enumerate() {
        teller.step = position;
        teller.tell(*step, *outcome);
    }
    teller.events
}

/// The events as sentences.
pub fn sentences(trace: &Trace) -> Vec<String> {
    let sentence = |event: &Event| match event.from == event.to {
        true => format!("{}: {}", event.from.name(), event.text),
        false => format!("{} → {}: {}", event.from.name(), event.to.name(), event.text),
    };
    events(trace).iter().map(sentence).collect()
}

pub fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done => "goes on".to_owned(),
        Outcome::SignedIn(account) => format!("signed in to {} account", whose(account)),
        Outcome::Refused(Refusal::Code(code)) => format!("refused: {code}"),
        Outcome::Refused(Refusal::Provider) => "the provider refuses the code".to_owned(),
        Outcome::Refused(Refusal::Browser) => "the browser keeps no such cookie".to_owned(),
        Outcome::Refused(Refusal::NothingThere) => "comes to nothing".to_owned(),
    }
}

fn whose(party: Party) -> &'static str {
    match party {
        Party::Victim => "the victim’s",
        Party::Attacker => "the attacker’s",
    }
}

fn flow(flow: FlowId) -> String {
    let letter = if flow.owner == Party::Victim { 'V' } else { 'A' };
    format!("{letter}{}", flow.number + 1)
}

#[derive(Default)]
struct Teller {
    events: Vec<Event>,
    step: usize,
    codes: Vec<Code>,
    /// The server that handled each callback.
    places: Vec<(Callback, u8)>,
    requests: usize,
}

impl Teller {
    fn say(&mut self, from: Lane, to: Lane, tone: Tone, text: String) {
        self.events.push(Event { step: self.step, from, to, text, tone });
    }

    fn code(&self, code: Option<Code>) -> String {
        let number = code.and_then(|code| self.codes.iter().position(|known| *known == code));
        number.map_or_else(|| "a made-up code".to_owned(), |number| format!("code {}", number + 1))
    }

    /// Requests go to the two servers in turn, as in the replay.
    fn server(&mut self) -> u8 {
        self.requests += 1;
        if self.requests % 2 == 1 { 1 } else { 2 }
    }

    fn tell(&mut self, step: Step, outcome: Outcome) {
        let (victim, attacker) = (Lane::Browser(Party::Victim), Lane::Browser(Party::Attacker));
        match step {
            Step::Begin { browser, .. } => self.begin(browser),
            Step::Authorize { account, challenge, state } => self.authorize(account, challenge, state),
            Step::Read(Reading::Callback(code)) => {
                let state = code.returned_with.map_or_else(String::new, flow);
                let text = format!("callback is read: state {state}, {}", self.code(Some(code)));
                self.say(victim, attacker, Tone::Attack, text);
            }
            Step::Read(Reading::Request(id)) => {
                let text = format!("request is read: state and challenge {}", flow(id));
                self.say(victim, attacker, Tone::Attack, text);
            }
            Step::Steal => self.say(victim, attacker, Tone::Attack, "cookies are copied".to_owned()),
            Step::Plant => {
                self.say(attacker, victim, Tone::Attack, "a sibling site sets a cookie".to_owned());
                if let Outcome::Refused(_) = outcome {
                    self.say(victim, victim, Tone::Refused, self::outcome(outcome));
                }
            }
            Step::Present { browser, state, code } => self.present(browser, state, code, outcome),
            Step::Look(callback) => {
                let lane = self.place(callback);
                let text = "guard looks: not used".to_owned();
                let refused = matches!(outcome, Outcome::Refused(_));
                let (tone, text) = if refused { (Tone::Refused, self::outcome(outcome)) } else { (Tone::Usual, text) };
                self.say(lane, lane, tone, text);
                self.moved(callback, Callback { stage: crate::state::Stage::Looked, ..callback });
            }
            Step::Mark(callback) => {
                let lane = self.place(callback);
                self.ended(lane, callback.browser, callback.flow, callback.code, outcome);
            }
            Step::Tick => self.say(Lane::Server(1), Lane::Server(1), Tone::Usual, "a lifetime passes".to_owned()),
            Step::Revoke => self.say(Lane::Server(1), Lane::Server(1), Tone::Usual, "the key is revoked".to_owned()),
        }
    }

    fn begin(&mut self, browser: Party) {
        let server = Lane::Server(self.server());
        let number = self.events.iter().filter(|event| event.from == Lane::Browser(browser));
        let begun = number.filter(|event| event.text.starts_with("begins")).count();
        let id = FlowId { owner: browser, number: u8::try_from(begun).unwrap_or(u8::MAX) };
        self.say(Lane::Browser(browser), server, Tone::Usual, format!("begins {}", flow(id)));
    }

    fn authorize(&mut self, account: Party, challenge: FlowId, returned_with: Option<FlowId>) {
        let like = Code { account, challenge, returned_with, number: 0 };
        let number = self.codes.iter().filter(|known| known.is_like(&like)).count();
        let code = Code { number: u8::try_from(number).unwrap_or(u8::MAX), ..like };
        self.codes.push(code);
        let browser = Lane::Browser(account);
        let led = returned_with.is_some_and(|state| state.owner != account) || challenge.owner != account;
        if led && account == Party::Victim {
            self.say(
                Lane::Browser(Party::Attacker),
                browser,
                Tone::Attack,
                format!("link: request {}", flow(challenge)),
            );
        }
        let tone =
            if account == Party::Attacker && challenge.owner == Party::Victim { Tone::Attack } else { Tone::Usual };
        self.say(browser, Lane::Provider, tone, format!("authorizes {}", flow(challenge)));
        let with_state = returned_with.map_or_else(String::new, |state| format!(", state {}", flow(state)));
        self.say(Lane::Provider, browser, Tone::Usual, format!("{}{with_state}", self.code(Some(code))));
    }

    fn present(&mut self, browser: Party, state: FlowId, code: Option<Code>, outcome: Outcome) {
        let server = self.server();
        let lane = Lane::Server(server);
        let text = format!("state {}, {}", flow(state), self.code(code));
        let own_redirect = code.is_some_and(|code| code.returned_with == Some(state));
        let led = browser == Party::Victim && !own_redirect;
        if led {
            self.say(Lane::Browser(Party::Attacker), Lane::Browser(browser), Tone::Attack, format!("link: {text}"));
        }
        let tone = if browser == Party::Attacker && state.owner == Party::Victim { Tone::Attack } else { Tone::Usual };
        self.say(Lane::Browser(browser), lane, tone, format!("callback: {text}"));
        match outcome {
            Outcome::Done => {
                let stage = crate::state::Stage::Checked;
                self.places.push((Callback { browser, flow: state, code, stage, overdue: false }, server));
            }
            Outcome::Refused(Refusal::Provider) | Outcome::SignedIn(_) => {
                self.ended(lane, browser, state, code, outcome);
            }
            Outcome::Refused(_) => self.say(lane, lane, Tone::Refused, self::outcome(outcome)),
        }
    }

    fn place(&self, callback: Callback) -> Lane {
        let place = self.places.iter().find(|(known, _)| *known == callback);
        Lane::Server(place.map_or(1, |(_, server)| *server))
    }

    fn moved(&mut self, before: Callback, after: Callback) {
        if let Some((callback, _)) = self.places.iter_mut().find(|(known, _)| *known == before) {
            *callback = after;
        }
    }

    fn ended(&mut self, lane: Lane, browser: Party, id: FlowId, code: Option<Code>, outcome: Outcome) {
        if let Outcome::Refused(Refusal::Code(_)) = outcome {
            return self.say(lane, lane, Tone::Refused, self::outcome(outcome));
        }
        self.say(lane, lane, Tone::Usual, format!("marks {} as used", flow(id)));
        self.say(lane, Lane::Provider, Tone::Usual, format!("{}, verifier of {}", self.code(code), flow(id)));
        match outcome {
            Outcome::SignedIn(account) => {
                let text = format!("signed in to {} account", whose(account));
                self.say(lane, Lane::Browser(browser), Tone::SignedIn, text);
            }
            _ => self.say(Lane::Provider, lane, Tone::Refused, "refused".to_owned()),
        }
    }
}
