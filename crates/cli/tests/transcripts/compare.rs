//! Compares a command's output with a transcript.
//!
//! A transcript has its own ids, references and times, so that it reads like a session. An id, a fingerprint or a
//! reference matches the first value in its place, and only that value from then on; a time matches any time; `in 6 m` and
//! `2 h ago` match any distance. `[..]` is anything within a line, and `...` any number of lines. Blanks only separate.

use std::collections::HashMap;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Time,
    Distance,
    /// 8 or 16 hexadecimal digits, or a login's reference.
    Id(String),
    Text(String),
    Anything,
}

#[derive(Default)]
pub struct Comparison {
    /// Maps values of the transcript to actual values.
    real: HashMap<String, String>,
}

impl Comparison {
    /// The line with this session's ids instead of the transcript's, or of their first digits.
    pub fn with_real_ids(&self, line: &str) -> String {
        let word = |word: &str| {
            let long_enough = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            let known = self.real.iter().find(|(shown, _)| long_enough && shown.starts_with(word));
            known.map_or(word.to_owned(), |(_, real)| real[..word.len()].to_owned())
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    pub fn compare(&mut self, expected: &str, actual: &str) -> Result<(), String> {
        let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).map(ToOwned::to_owned).collect();
        let (expected, actual): (Vec<String>, Vec<String>) = (lines(expected), lines(actual));
        let mut rest = actual.as_slice();
        let mut expected = expected.iter().peekable();
        while let Some(line) = expected.next() {
            if line == "..." {
                let Some(next) = expected.peek() else { return Ok(()) };
                let found = rest.iter().position(|actual| self.line(next, actual).is_some());
                rest = &rest[found.ok_or(format!("nowhere: {next}"))?..];
                continue;
            }
            let Some((actual, others)) = rest.split_first() else { return Err(format!("missing: {line}")) };
            self.real = self.line(line, actual).ok_or(format!("{actual}\n  is not {line}"))?;
            rest = others;
        }
        rest.first().map_or(Ok(()), |line| Err(format!("one line more: {line}")))
    }

    /// The known ids after this line, if it matches.
    fn line(&self, expected: &str, actual: &str) -> Option<HashMap<String, String>> {
        let (expected, actual) = (tokens(expected), tokens(actual));
        let mut real = self.real.clone();
        fits(&expected, &actual, &mut real).then_some(real)
    }
}

fn fits(expected: &[Token], actual: &[Token], real: &mut HashMap<String, String>) -> bool {
    match (expected.split_first(), actual.split_first()) {
        (None, None) => true,
        (Some((Token::Anything, rest)), _) => (0..=actual.len()).any(|from| {
            let mut tried = real.clone();
            let fits = fits(rest, &actual[from..], &mut tried);
            if fits {
                *real = tried;
            }
            fits
        }),
        (Some((Token::Id(shown), more)), Some((Token::Id(is), others))) if shown.len() == is.len() => {
            let known = real.iter().find(|(other, known)| *other == shown || *known == is);
            let consistent = known.is_none_or(|(other, known)| other == shown && known == is);
            real.insert(shown.clone(), is.clone());
            consistent && fits(more, others, real)
        }
        (Some((one, more)), Some((other, others))) => one == other && fits(more, others, real),
        _ => false,
    }
}

fn tokens(line: &str) -> Vec<Token> {
    let mut rest = line.trim();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (token, length) = if let Some(length) = time(rest) {
            (Token::Time, length)
        } else if let Some(length) = reference(rest) {
            (Token::Id(rest[..length].to_owned()), length)
        } else if rest.starts_with("[..]") {
            (Token::Anything, 4)
        } else if word == 0 {
            (Token::Text(first.to_string()), first.len_utf8())
        } else {
            let word = &rest[..word];
            let hex =
                matches!(word.len(), 8 | 16) && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            (if hex { Token::Id(word.to_owned()) } else { Token::Text(word.to_owned()) }, word.len())
        };
        if token != Token::Text(" ".to_owned()) {
            tokens.push(token);
        }
        rest = &rest[length..];
    }
    distances(tokens)
}

/// The length of a time such as 2026-11-24T12:00:00Z at the start of the text.
fn time(text: &str) -> Option<usize> {
    const FORM: &str = "0000-00-00T00:00:00Z";
    let candidate = text.get(..FORM.len())?;
    let fits = |(form, c): (char, char)| if form == '0' { c.is_ascii_digit() } else { form == c };
    FORM.chars().zip(candidate.chars()).all(fits).then_some(FORM.len())
}

/// The length of a login's reference such as 7K2P-9Q at the start of the text.
fn reference(text: &str) -> Option<usize> {
    const FORM: &str = "XXXX-XX";
    let candidate = text.get(..FORM.len())?;
    let fits = |(form, c): (char, char)| {
        if form == 'X' { c.is_ascii_digit() || c.is_ascii_uppercase() } else { form == c }
    };
    FORM.chars().zip(candidate.chars()).all(fits).then_some(FORM.len())
}

/// `in 1 h 7 m`, `3 s ago` and `(now)` are distances.
fn distances(tokens: Vec<Token>) -> Vec<Token> {
    let text = |at: usize| match tokens.get(at) {
        Some(Token::Text(text)) => text.as_str(),
        _ => "",
    };
    let is_pair = |at: usize| {
        let number = !text(at).is_empty() && text(at).bytes().all(|byte| byte.is_ascii_digit());
        number && matches!(text(at + 1), "s" | "m" | "h" | "d")
    };
    let pairs_end = |mut at: usize| {
        while is_pair(at) {
            at += 2;
        }
        at
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let (behind, ahead) = (pairs_end(at), pairs_end(at + 1));
        if behind > at && text(behind) == "ago" {
            out.push(Token::Distance);
            at = behind + 1;
        } else if text(at) == "in" && ahead > at + 1 {
            out.push(Token::Distance);
            at = ahead;
        } else if text(at) == "now" && text(at + 1) == ")" {
            out.push(Token::Distance);
            at += 1;
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    out
}

#[test]
fn a_comparison_takes_other_ids_and_times_and_nothing_else() {
    let mut comparison = Comparison::default();
    let mut same = |expected: &str, actual: &str| comparison.compare(expected, actual).is_ok();
    assert!(same("key 0011223344556677, from 2026-01-01T00:00:00Z", "key ffeeddccbbaa9988, from 2027-02-02T02:02:02Z"));
    assert!(same("0011223344556677  revoked", "ffeeddccbbaa9988 revoked"));
    assert!(!same("0011223344556677  revoked", "ffeeddccbbaa9989 revoked"));
    assert!(!same("1111223344556677  revoked", "ffeeddccbbaa9988 revoked"));
    assert!(same("(in 1 h 13 m)", "(in 59 m 1 s)") && same("(now)", "(1 s ago)"));
    assert!(!same("propagation 300 s", "propagation 301 s"));
    assert!(same("a\n...\nd", "a\nb\nc\nd") && !same("a\n...\nd", "a\nb\nc"));
    assert!(same("one [..] three", "one and two and three") && !same("one", "one\ntwo") && !same("one\ntwo", "one"));
    assert_eq!(comparison.with_real_ids("keys revoke ring.json 00112"), "keys revoke ring.json ffeed");
}
