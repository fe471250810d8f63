//! The report of a walk-through: each step, the expectation and the result.

use std::process::ExitCode;

use super::user_agent::Answer;

/// The text for every user whose sign-in is refused, whatever the reason.
const NEUTRAL: &str = "This sign-in could not be completed. Please start again.";

/// Counts the steps and the failures.
#[derive(Default)]
pub struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    /// A step that signs a user in: the page names the user.
    pub fn signed_in(&mut self, what: &str, answer: &Answer, person: &str) {
        let held = answer.status == 200 && answer.code == "signed_in" && answer.body.contains(person);
        self.line(what, answer, held, &format!("signed_in, as {person}"));
    }

    /// A step that is refused for this reason: the log names it, the user sees the neutral text.
    pub fn refused(&mut self, what: &str, answer: &Answer, code: &str) {
        let is_neutral = answer.body.strip_prefix(NEUTRAL).is_some_and(|rest| rest.starts_with("\nReference: "));
        let held = answer.code == code && answer.status == 400 && is_neutral;
        self.line(what, answer, held, &format!("400 {code}, and the neutral text"));
    }

    /// A step that is refused for this reason and sends the browser to the login start, with the refused state.
    pub fn restarts(&mut self, what: &str, answer: &Answer, code: &str) {
        let held = answer.code == code && answer.status == 303 && answer.location.contains("?again=ost1");
        self.line(what, answer, held, &format!("303 {code}, to the login start"));
    }

    /// A step in which the provider or its response was not accepted, with these words in the log.
    pub fn not_confirmed(&mut self, what: &str, answer: &Answer, words: &str) {
        let held = answer.status == 502 && answer.code == "not_confirmed" && answer.error.contains(words);
        let got = if held { words } else { answer.error.as_str() };
        self.check(
            what,
            &format!("{} {}: {got}", answer.status, answer.code),
            held,
            &format!("502 not_confirmed: {words}"),
        );
    }

    /// A step with another end, with this status and these codes in the log.
    pub fn ends(&mut self, what: &str, answer: &Answer, status: u16, code: &str) {
        let held = answer.code == code && answer.status == status;
        self.line(what, answer, held, &format!("{status} {code}"));
    }

    fn line(&mut self, what: &str, answer: &Answer, held: bool, expected: &str) {
        self.check(what, &format!("{} {}", answer.status, answer.code), held, expected);
    }

    /// Any other step.
    pub fn check(&mut self, what: &str, answer: &str, held: bool, expected: &str) {
        let counter = if held { &mut self.passed } else { &mut self.failed };
        *counter = counter.saturating_add(1);
        let mark = if held { "ok " } else { "BAD" };
        let note = if held { String::new() } else { format!("  (expected {expected})") };
        println!("{mark} {what:<66} {answer}{note}");
    }

    /// Prints the last line, and returns the exit code.
    pub fn end(self) -> ExitCode {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
