//! The revocations of a document that is refused, or not even text.
//!
//! An operator in a hurry forgets a comma, saves in another encoding, or truncates a file; a leaked key must not stay in use for that.
//! `docs/key-ring.md` specifies the scan; `tests/vectors/revocations.py` is the other implementation.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::LARGEST;
use super::characters::{
    DEEPEST, ESCAPED_MARK, LINE_END, REVOKED, characters, id, is_blank, is_of_word, unescape, unwrapped,
};
use super::walk::walk;
use crate::ring::key::RootKeyId;

/// The most bytes that are scanned: a document that is too large is refused, but its revocations still count.
pub(crate) const MOST_SCANNED: usize = 16 * LARGEST;
/// The most ids that are found: the last ones, because the newest revocation is written last.
const MOST_FOUND: usize = 1_024;
/// The other fields of a document. Each of them ends the list.
const OTHERS: [&[u8]; 10] = [
    b"version",
    b"serial",
    b"propagation",
    b"skew",
    b"lifetime_cap",
    b"keys",
    b"key",
    b"published_at",
    b"seal_from",
    b"emergency",
];
/// The field with free text.
const NOTE: &[u8] = b"note";
/// The prefix of a root key's text.
const KEY_TEXT: &[u8] = b"osk1";

/// Every id that an unparsable document revokes. It accepts any bytes, and takes time in proportion to their number.
pub(crate) fn scan(document: &[u8]) -> Vec<RootKeyId> {
    newest(in_document(characters(document.get(..MOST_SCANNED).unwrap_or(document)), 0))
}

/// The last distinct ids, each at its last position.
fn newest(found: Vec<RootKeyId>) -> Vec<RootKeyId> {
    let mut seen = HashSet::new();
    let mut newest: Vec<_> = found.into_iter().rev().filter(|id| seen.insert(*id)).take(MOST_FOUND).collect();
    newest.reverse();
    newest
}

/// The revocations in these characters, for a document embedded in `level` others.
fn in_document(mut text: Zeroizing<Vec<u8>>, level: usize) -> Vec<RootKeyId> {
    if let Some(found) = walk(&text, level, in_document) {
        return found;
    }
    if let Some(inner) = unwrapped(&text).filter(|_| level < DEEPEST) {
        return in_document(inner, level.saturating_add(1));
    }
    unescape(&mut text);
    let mut scan = Scan::new(&text);
    scan.run();
    scan.found
}

/// The meaning of a word as a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Revoked,
    /// A field with free text.
    Note,
    /// Any other field of a document.
    Other,
    /// Not a field of a document.
    Unknown,
}

impl Name {
    fn of(word: &[u8]) -> Self {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        match () {
            () if is(REVOKED) => Self::Revoked,
            () if is(NOTE) => Self::Note,
            () if OTHERS.into_iter().any(is) => Self::Other,
            () => Self::Unknown,
        }
    }
}

/// A word that is a field's name if the next characters fit.
#[derive(Clone, Copy)]
struct Candidate {
    name: Name,
    /// It has no quotation mark.
    bare: bool,
    first_in_line: bool,
    /// It has its last quotation mark, or is unquoted where a name may be.
    complete: bool,
    /// It is not where a value is expected.
    in_place: bool,
}

/// The opening quotation mark of a string, and its position.
#[derive(Clone, Copy)]
struct Quoted {
    mark: u8,
    in_place: bool,
    /// Only blanks have followed.
    at_start: bool,
}

/// The value of `revoked`.
#[derive(Clone, Copy)]
struct List {
    /// The name was unquoted: a word that is no id shows that the name was part of a sentence.
    may_be_prose: bool,
    /// The name was in the middle of a line, perhaps of a note with quotation marks in it: only a bracket starts the value.
    needs_bracket: bool,
    /// Open brackets.
    square: usize,
    curly: usize,
}

/// The last word, which may be the name of an unknown field.
#[derive(Clone, Copy)]
struct LastWord {
    name: Name,
    /// It is where a name may be.
    in_place: bool,
    /// It is the first of its string, or in none.
    is_first: bool,
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    found: Vec<RootKeyId>,
    /// The last character that is neither a blank nor in a comment.
    last: Option<u8>,
    /// Only blanks since the last line end.
    first_in_line: bool,
    string: Option<Quoted>,
    candidate: Option<Candidate>,
    list: Option<List>,
    /// An unquoted value, in which a name would be a word like any other.
    prose: bool,
    /// After the name of a text field, an unquoted name is a word of the text.
    text_field: bool,
    last_word: LastWord,
    /// A `{` was found outside of strings.
    is_open: bool,
    /// Inside the text of a root key.
    key_text: bool,
    /// The position of the last end of a comment: a `/*` without an end is not a comment.
    last_comment_end: Option<usize>,
    #[cfg(test)]
    steps: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            found: Vec::new(),
            last: None,
            first_in_line: true,
            string: None,
            candidate: None,
            list: None,
            prose: false,
            text_field: false,
            last_word: LastWord { name: Name::Unknown, in_place: false, is_first: false },
            is_open: false,
            key_text: false,
            last_comment_end: text.windows(2).rposition(|pair| pair == b"*/"),
            #[cfg(test)]
            steps: 0,
        }
    }

    fn run(&mut self) {
        while let Some(&character) = self.text.get(self.at) {
            if let Some(length) = self.comment() {
                self.pass_over(length);
            } else if is_of_word(character) {
                let rest = self.text.get(self.at..).unwrap_or_default();
                let length = self.count(rest, is_of_word);
                self.word(rest.get(..length).unwrap_or_default());
                self.at = self.at.saturating_add(length);
            } else if is_blank(character) {
                self.pass_over(1);
            } else {
                match character {
                    mark if is_mark(mark) => self.mark(mark),
                    _ => self.punctuation(character),
                }
                self.key_text &= matches!(character, b'.' | b'-');
                (self.last, self.first_in_line) = (Some(character), false);
                self.at = self.at.saturating_add(1);
            }
        }
    }

    /// The number of characters of this kind at the start of `rest`. At most two calls count the same character, so the scan is linear.
    fn count(&mut self, rest: &[u8], kind: impl Fn(u8) -> bool) -> usize {
        let length = rest.iter().position(|character| !kind(*character)).unwrap_or(rest.len());
        #[cfg(test)]
        {
            self.steps = self.steps.saturating_add(length).saturating_add(1);
        }
        length
    }

    /// The length of the comment that starts here.
    fn comment(&mut self) -> Option<usize> {
        if self.string.is_some() {
            return None;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let before = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        let is_line = match rest {
            [b'/', b'/', ..] => before != Some(&b':'),
            // As in YAML; anywhere else it is a typing mistake.
            [b'#', after, ..] => is_blank(*after) && before.is_none_or(|before| is_blank(*before)),
            _ => false,
        };
        if is_line {
            return Some(self.count(rest, |character| character != LINE_END));
        }
        let body = rest.strip_prefix(b"/*")?;
        self.last_comment_end.filter(|end| *end >= self.at.saturating_add(2))?;
        let length = body.windows(2).position(|pair| pair == b"*/")?;
        #[cfg(test)]
        {
            self.steps = self.steps.saturating_add(length);
        }
        Some(length.saturating_add(4))
    }

    fn pass_over(&mut self, length: usize) {
        let end = self.at.saturating_add(length);
        if length == 1 && self.text.get(self.at) == Some(&LINE_END) {
            (self.first_in_line, self.prose, self.text_field) = (true, false, false);
        }
        (self.at, self.key_text) = (end, false);
    }

    /// The next character that is not a blank.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at.saturating_add(1)..).unwrap_or_default();
        let blanks = self.count(rest, is_blank);
        rest.get(blanks).copied()
    }

    fn word(&mut self, word: &[u8]) {
        match (&mut self.list, id(word).filter(|_| !self.key_text)) {
            (Some(List { may_be_prose: true, .. }), None) | (Some(List { needs_bracket: true, .. }), _) => {
                self.list = None;
            }
            (Some(list), Some(id)) => {
                list.may_be_prose = false;
                self.found.push(id);
            }
            _ => {}
        }
        let follows = self.text.get(self.at.saturating_add(word.len()));
        self.key_text |= word == KEY_TEXT && follows == Some(&b'.');
        let in_value = matches!(self.last, Some(b':' | b'='));
        let begins_prose = word.first().is_some_and(|first| !first.is_ascii_digit())
            && ![&b"true"[..], b"false", b"null"].contains(&word);
        self.prose |= self.string.is_none() && self.list.is_none() && in_value && !self.first_in_line && begins_prose;
        let name = Name::of(word);
        self.last_word = match self.string {
            Some(Quoted { in_place, at_start, .. }) => LastWord { name, in_place, is_first: at_start },
            None => LastWord { name, in_place: self.may_be_bare(), is_first: true },
        };
        let first_in_line = self.first_in_line;
        let candidate = match self.string {
            Some(Quoted { at_start: false, .. }) => None,
            Some(Quoted { in_place, .. }) => {
                Some(Candidate { name, bare: false, first_in_line, complete: false, in_place })
            }
            None if self.text_field => None,
            None => {
                let in_place = !self.prose && self.may_be_bare();
                Some(Candidate { name, bare: true, first_in_line, complete: in_place, in_place })
            }
        };
        self.candidate = candidate.filter(|_| name != Name::Unknown);
        self.went_on();
        (self.last, self.first_in_line) = (word.last().copied(), false);
    }

    /// Whether a field's name may be here unquoted, or without its first mark.
    fn may_be_bare(&self) -> bool {
        let before =
            matches!(self.last, None | Some(b'{' | b'}' | b'[' | b']' | b',' | b';' | b'"' | b'\'' | ESCAPED_MARK));
        self.first_in_line || before
    }

    fn went_on(&mut self) {
        if let Some(string) = &mut self.string {
            string.at_start = false;
        }
    }

    fn mark(&mut self, mark: u8) {
        if self.prose && mark == b'\'' {
            return;
        }
        self.prose = false;
        self.no_prose();
        let begins = self.first_in_line || matches!(self.last, None | Some(b'{' | b'[' | b',' | b':' | b'=' | b';'));
        let ends = match self.next() {
            None => true,
            Some(next) => b",:=;]}[{/#".contains(&next) || is_mark(next),
        };
        match self.string {
            // An unfinished string in other marks, which started only by mistake.
            Some(Quoted { mark: first, at_start, .. }) if first != mark => {
                if mark == b'"' && (begins || at_start) && !ends { self.begin_string(mark) } else { self.went_on() }
            }
            Some(_) if ends => {
                self.string = None;
                self.complete();
            }
            // The mark that should have ended the previous string is missing.
            Some(_) if begins => self.begin_string(mark),
            // Inside a text, or doubled: the string continues, and is at its start if it was.
            Some(_) => {}
            None if begins || (mark != b'\'' && !ends) => self.begin_string(mark),
            // The opening mark of this string is missing.
            None => self.complete(),
        }
    }

    fn complete(&mut self) {
        if let Some(candidate) = &mut self.candidate {
            (candidate.bare, candidate.complete) = (false, true);
        }
    }

    fn no_prose(&mut self) {
        if let Some(list) = &mut self.list {
            list.may_be_prose = false;
        }
    }

    fn begin_string(&mut self, mark: u8) {
        // After another mark it may be a value whose colon is missing.
        let in_place = !matches!(self.last, Some(b':' | b'=' | b'"' | b'\'' | ESCAPED_MARK));
        self.string = Some(Quoted { mark, in_place, at_start: true });
        self.candidate = None;
        self.text_field &= !matches!(self.last, Some(b':' | b'='));
    }

    fn punctuation(&mut self, character: u8) {
        self.went_on();
        if let Some(Candidate { name, bare, first_in_line, complete, in_place }) = self.candidate {
            let opens = matches!(character, b'[' | b'{');
            let is_revoked = name == Name::Revoked;
            // A name without its last mark must be followed by a list; otherwise a note that starts with the word would be one.
            if complete && matches!(character, b':' | b'=' | b';') || opens && in_place && (complete || is_revoked) {
                self.list = is_revoked.then_some(List {
                    may_be_prose: bare,
                    needs_bracket: bare && !first_in_line,
                    square: 0,
                    curly: 0,
                });
                (self.string, self.candidate) = (None, None);
                self.text_field = name == Name::Note;
            }
        }
        let LastWord { name, in_place, is_first } = self.last_word;
        self.text_field |= matches!(character, b':' | b'=')
            && matches!(name, Name::Note | Name::Unknown)
            && (in_place && (is_first || self.string.is_none()))
            && self.last.is_some_and(|last| is_of_word(last) || is_mark(last));
        // The document itself starts after the name of a variable or of a field.
        if self.string.is_none() && character == b'{' {
            self.text_field &= self.is_open;
            self.is_open = true;
        }
        if self.string.is_none() {
            if matches!(character, b'{' | b'}' | b'[' | b']') {
                self.prose = false;
                self.no_prose();
            }
            self.list = self.list.and_then(|list| list.after(character));
        }
    }
}

impl List {
    /// The list after one more character, or nothing if that closes the last bracket.
    fn after(mut self, character: u8) -> Option<Self> {
        let (count, opens) = match character {
            b'[' | b'{' if self.needs_bracket => return Self { needs_bracket: false, ..self }.after(character),
            b'[' => (&mut self.square, true),
            b'{' => (&mut self.curly, true),
            b']' => (&mut self.square, false),
            b'}' => (&mut self.curly, false),
            _ => return Some(self),
        };
        if !opens && *count == 0 {
            return Some(self);
        }
        *count = if opens { count.saturating_add(1) } else { count.saturating_sub(1) };
        (self.square > 0 || self.curly > 0).then_some(self)
    }
}

fn is_mark(character: u8) -> bool {
    matches!(character, b'"' | b'\'' | ESCAPED_MARK)
}

#[cfg(test)]
mod tests;
