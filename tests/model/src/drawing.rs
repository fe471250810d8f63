//! A trace as a sequence diagram: SVG that is readable on light and dark pages.

use std::fmt::Write;

use crate::checking::Trace;
use crate::properties::Promise;
use crate::replay::Replayed;
use crate::steps::Outcome;
use crate::variants::Variant;
use crate::words::{self, Event, Lane, Tone};

const LANE_WIDTH: usize = 200;
const ROW_HEIGHT: usize = 30;
const TOP: usize = 92;
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328;stroke:#fff;stroke-width:4px;paint-order:stroke;text-anchor:middle}\
rect{fill:#fff}line{stroke:#59636e;stroke-width:1.3}.life{stroke:#d1d9e0}.dash{stroke-dasharray:5 4}\
.left{text-anchor:start}.title{font-weight:600;font-size:14px}\
.attack{fill:#9a3c00}line.attack{stroke:#bc4c00;stroke-dasharray:5 3}.refused{fill:#59636e}\
.bad{fill:#cf222e;font-weight:600}line.bad{stroke:#cf222e;stroke-width:2}.crate{fill:#1a7f37;font-weight:600}\
line.crate{stroke:#1a7f37}.head{stroke-dasharray:none!important}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc;stroke:#0d1117}rect{fill:#0d1117}line{stroke:#9198a1}.life{stroke:#3d444d}\
.attack{fill:#f0883e}line.attack{stroke:#db6d28}.refused{fill:#9198a1}.bad{fill:#f85149}line.bad{stroke:#f85149}.crate{fill:#3fb950}line.crate{stroke:#3fb950}}";

/// Draws a variant's attack, and the step at which the crate's own code refused it.
pub fn draw(variant: &Variant, trace: &Trace, design: Option<&Replayed>) -> String {
    let events = words::events(trace);
    let mut lanes: Vec<Lane> = events.iter().flat_map(|event| [event.from, event.to]).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let rows = rows(variant, &events, trace, design);
    let (width, height) = (lanes.len() * LANE_WIDTH, TOP + rows.len() * ROW_HEIGHT + 10);
    let mut svg = Svg { text: String::new(), lanes };
    let title = variant.name.replace('-', " ");
    let differs = escaped(&variant.differs.replace('`', ""));
    let _ = writeln!(
        svg.text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\">\
         <title>{title}: {differs}</title><style>{STYLE}</style><rect width=\"{width}\" height=\"{height}\"/>\
         <text class=\"left title\" x=\"16\" y=\"24\">{title}</text>\
         <text class=\"left\" x=\"16\" y=\"44\">{differs}; breaks “{}”</text>",
        variant.breaks.name(),
    );
    for lane in svg.lanes.clone() {
        let x = svg.x(lane);
        svg.line("life", [(x, TOP - 12), (x, height - 8)]);
        svg.words("title", x, TOP - 20, &lane.name());
    }
    for (position, row) in rows.iter().enumerate() {
        svg.row(row, TOP + position * ROW_HEIGHT + 18);
    }
    svg.text + "</svg>\n"
}

enum Row {
    Event(Event, &'static str),
    /// The crate's own outcome instead.
    Crate(Lane, String),
    Rule(&'static str),
}

fn rows(variant: &Variant, events: &[Event], trace: &Trace, design: Option<&Replayed>) -> Vec<Row> {
    let mut rows = Vec::new();
    let differs = design.and_then(|replayed| replayed.differs);
    let worst = worst(variant.breaks, events);
    for (position, event) in events.iter().enumerate() {
        if event.step == trace.attack_steps && events[..position].iter().all(|earlier| earlier.step < event.step) {
            rows.push(Row::Rule("and now the victim goes on"));
        }
        rows.push(Row::Event(event.clone(), if position == worst { "bad" } else { class(event.tone) }));
        let last_of_step = events.get(position + 1).is_none_or(|next| next.step != event.step);
        if let Some((step, outcome)) = differs
            && step == event.step
            && last_of_step
        {
            let place = [event.from, event.to].into_iter().find(|lane| matches!(lane, Lane::Server(_)));
            rows.push(Row::Crate(place.unwrap_or(event.to), instead(variant, outcome)));
        }
    }
    rows
}

fn instead(variant: &Variant, outcome: Outcome) -> String {
    match (outcome, variant.breaks) {
        (Outcome::Done, _) => "✓ the crate goes on, and she is signed in".to_owned(),
        (outcome, _) => format!("✓ the crate: {}", words::outcome(outcome).trim_start_matches("refused: ")),
    }
}

/// The event that breaks the promise.
fn worst(promise: Promise, events: &[Event]) -> usize {
    let is_worst = |event: &Event| match promise {
        // The provider's later answer does not matter.
        Promise::Injectivity | Promise::NothingOverdue => event.text.starts_with("marks"),
        _ => true,
    };
    events.iter().rposition(is_worst).unwrap_or(usize::MAX)
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Attack => "attack",
        Tone::Refused => "refused",
        Tone::Usual | Tone::SignedIn => "",
    }
}

struct Svg {
    text: String,
    lanes: Vec<Lane>,
}

impl Svg {
    fn x(&self, lane: Lane) -> usize {
        let position = self.lanes.iter().position(|known| *known == lane).unwrap_or(0);
        position * LANE_WIDTH + LANE_WIDTH / 2
    }

    fn row(&mut self, row: &Row, y: usize) {
        match row {
            Row::Event(event, class) if event.from == event.to => self.note(event.from, y, class, &event.text),
            Row::Event(event, class) => self.arrow(event, y, class),
            Row::Crate(lane, text) => self.note(*lane, y, "crate", text),
            Row::Rule(text) => {
                let width = self.lanes.len() * LANE_WIDTH;
                self.line("dash", [(16, y - 6), (width - 16, y - 6)]);
                self.words("", width / 2, y - 2, text);
            }
        }
    }

    fn note(&mut self, lane: Lane, y: usize, class: &str, text: &str) {
        let x = self.x(lane);
        self.line(class, [(x - 5, y - 4), (x + 5, y - 4)]);
        let is_last = self.lanes.last() == Some(&lane);
        if is_last { self.words(class, x, y + 12, text) } else { self.words(&format!("left {class}"), x + 10, y, text) }
    }

    fn arrow(&mut self, event: &Event, y: usize, class: &str) {
        let (from, to) = (self.x(event.from), self.x(event.to));
        let (head, middle) = (if to > from { to - 7 } else { to + 7 }, (from + to) / 2);
        self.line(class, [(from, y), (to, y)]);
        for side in [y - 4, y + 4] {
            self.line(&format!("head {class}"), [(head, side), (to, y)]);
        }
        self.words(class, middle, y - 5, &event.text);
    }

    fn line(&mut self, class: &str, [(x1, y1), (x2, y2)]: [(usize, usize); 2]) {
        let class = attribute(class.trim());
        let _ = writeln!(self.text, "<line{class} x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    fn words(&mut self, class: &str, x: usize, y: usize, text: &str) {
        let class = attribute(class.trim());
        let _ = writeln!(self.text, "<text{class} x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
    }
}

fn attribute(class: &str) -> String {
    if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
