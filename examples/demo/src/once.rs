//! The walk-through without a browser: each step, with the expected and the actual outcome.

use std::process::ExitCode;
use std::time::Duration;

use crate::Failure;
use crate::attacks;
use crate::fleet::Fleet;
use crate::visitor::{Page, Visitor};

/// Counts the steps, and those that went wrong.
#[derive(Default)]
struct Report {
    steps: usize,
    wrong: usize,
}

impl Report {
    fn step(&mut self, what: &str, page: &Page, expected: &str) {
        self.check(what, page, expected, page.outcome == expected);
    }

    fn check(&mut self, what: &str, page: &Page, expected: &str, held: bool) {
        self.steps = self.steps.saturating_add(1);
        self.wrong = self.wrong.saturating_add(usize::from(!held));
        let mark = if held { "ok " } else { "BAD" };
        let answer = format!("server {} answers {}", page.server, page.outcome);
        let note = if held { String::new() } else { format!("  (expected {expected})") };
        println!("{mark} {what:<58} {answer}{note}");
    }
}

/// Signs in over both servers, tries each attack, and says whether all went as expected.
pub async fn walk_through(
    public: &str,
    fleet: &Fleet,
    lifetime: Duration,
    shared_guard: bool,
) -> Result<ExitCode, Failure> {
    for (name, process_id) in fleet.list().await {
        println!("    server {name} is process {}", process_id.unwrap_or_default());
    }
    let mut report = Report::default();

    let mut ann = Visitor::default();
    let link = ann.callback_address(public, "ann").await?;
    let parameters = crate::address::parameters(&link)?;
    let state = parameters.iter().find(|(name, _)| name == "state").map(|(_, state)| state.len()).unwrap_or_default();
    println!("    a login begins, its state has {state} characters, and Ann agrees at the provider");
    let page = ann.open(&link).await?;
    let crossed = page.outcome == "signed_in" && page.begun_on != page.server && !page.begun_on.is_empty();
    let what = format!("begun on server {}, finished on the other", page.begun_on);
    report.check(&what, &page, "signed_in on the other server", crossed);
    let finished_on = page.server;

    // The front alternates, so that of two openings in a row one meets each server.
    for _ in 0..2 {
        let page = ann.open(&link).await?;
        if page.server == finished_on {
            report.step("the same link again, on the server that finished", &page, "already_used");
        } else {
            // Without a shared guard, the provider stops it.
            let expected = if shared_guard { "already_used" } else { "invalid_grant" };
            report.step("the same link again, on the server that never saw it", &page, expected);
        }
    }

    let mut bob = Visitor::default();
    let fresh_link = bob.callback_address(public, "bob").await?;
    let page = attacks::open_in_another_browser(public, &fresh_link.to_string()).await?;
    report.step("Bob's fresh link in a browser with a login of its own", &page, "other_browser");
    let page = attacks::open_in_a_fresh_browser(public, &fresh_link.to_string()).await?;
    report.step("Bob's fresh link in a browser that was never here", &page, "cookie_missing");
    let page = bob.open(&attacks::with_one_character_changed(&fresh_link)?).await?;
    report.step("Bob's fresh link with one character changed", &page, "forged");
    let page = bob.open(&fresh_link).await?;
    report.step("none of that used it up: Bob signs in", &page, "signed_in");

    let mut carl = Visitor::default();
    let denied = carl.callback_address(public, "deny").await?;
    let page = carl.open(&denied).await?;
    report.step("Carl says no at the provider", &page, "access_denied");

    println!("    waiting {} s for a login to expire", lifetime.as_secs().saturating_add(2));
    let page = attacks::answer_too_late(public, lifetime).await?;
    report.step("a login that is answered too late", &page, "expired");

    let Report { steps, wrong } = report;
    println!("\n{} of {steps} steps went as they should.", steps.saturating_sub(wrong));
    if wrong > 0 {
        println!("What did not is marked BAD.");
    } else if shared_guard {
        println!(
            "The server that had never seen the used link refused it by itself: the servers share a replay guard."
        );
    } else {
        println!(
            "The server that had never seen the used link let it through to the provider, which refused its code."
        );
        println!(
            "Servers that share a replay guard refuse such a link themselves. Start a Redis, and try:\n  cargo run --release -p demo --features guards -- --once --guard redis://127.0.0.1:6379"
        );
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
