//! The revocations of a document that is refused, or that is not even text.
//!
//! An operator who revokes in a hurry forgets a comma, saves in another encoding, or lets a file be cut off, and a leaked key must not
//! stay in use for that. `docs/key-ring.md` specifies the scan; `tests/vectors/revocations.py` is the other implementation.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::LARGEST;
use super::characters::{
    DEEPEST, ESCAPED_MARK, LINE_END, REVOKED, characters, id, is_blank, is_of_word, unescape, unwrapped,
};
use super::walk::walk;
use crate::ring::key::RootKeyId;

/// How many bytes are scanned at most: a document that is too large is refused, and its revocations hold all the same.
pub(crate) const MOST_SCANNED: usize = 16 * LARGEST;
/// How many ids are found at most: the last ones, since the newest revocation is written last.
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
/// The field that holds text of any kind.
const NOTE: &[u8] = b"note";
/// How the text of a root key begins.
const KEY_TEXT: &[u8] = b"osk1";

/// Every id that a document revokes which no parser accepts. It takes any bytes, and time in proportion to their number.
pub(crate) fn scan(document: &[u8]) -> Vec<RootKeyId> {
    newest(in_document(characters(document.get(..MOST_SCANNED).unwrap_or(document)), 0))
}

/// The last ids that are distinct, each where it stands last.
fn newest(found: Vec<RootKeyId>) -> Vec<RootKeyId> {
    let mut seen = HashSet::new();
    let mut newest: Vec<_> = found.into_iter().rev().filter(|id| seen.insert(*id)).take(MOST_FOUND).collect();
    newest.reverse();
    newest
}

/// What these characters revoke, in a document that is embedded in as many others.
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

/// What a word is the name of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Revoked,
    /// A field that holds text.
    Note,
    /// Any other field of a document.
    Other,
    /// No field of a document.
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

/// A word that is a field's name, if what follows fits.
#[derive(Clone, Copy)]
struct Candidate {
    name: Name,
    /// It has no quotation mark.
    bare: bool,
    first_in_line: bool,
    /// It has its last quotation mark, or stands bare where a name may stand.
    complete: bool,
    /// It stands where no value does.
    in_place: bool,
}

/// The quotation mark that a string began with, and where.
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
    /// The name had no quotation marks: a word that is no id shows that it was one of a sentence.
    may_be_prose: bool,
    /// That name stood in the middle of a line, perhaps of a note with quotation marks in it: only a bracket begins the value.
    needs_bracket: bool,
    /// Open brackets.
    square: usize,
    curly: usize,
}

/// The last word, which may be the name of a field that no document has.
#[derive(Clone, Copy)]
struct LastWord {
    name: Name,
    /// It stands where a name may.
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
    /// A value without quotation marks, in which a name would be a word like any other.
    prose: bool,
    /// Behind the name of a field that holds text: a name without quotation marks is a word of it.
    text_field: bool,
    last_word: LastWord,
    /// A `{` came outside of strings.
    is_open: bool,
    /// Inside the text of a root key.
    key_text: bool,
    /// Where the last end of a comment stands: a `/*` without one is no comment.
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

    /// How many characters at the start of `rest` are of this kind. No character is counted by more than two calls, so that the scan
    /// is linear.
    fn count(&mut self, rest: &[u8], kind: impl Fn(u8) -> bool) -> usize {
        let length = rest.iter().position(|character| !kind(*character)).unwrap_or(rest.len());
        #[cfg(test)]
        {
            self.steps = self.steps.saturating_add(length).saturating_add(1);
        }
        length
    }

    /// The length of the comment that begins here.
    fn comment(&mut self) -> Option<usize> {
        if self.string.is_some() {
            return None;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let before = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        let is_line = match rest {
            [b'/', b'/', ..] => before != Some(&b':'),
            // As in YAML; anywhere else it is a slip for another character.
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

    /// The next character that is no blank.
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

    /// Whether a field's name without quotation marks may stand here, or one whose first mark is missing.
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
            // A string in other marks that has not ended, and begins only by mistake.
            Some(Quoted { mark: first, at_start, .. }) if first != mark => {
                if mark == b'"' && (begins || at_start) && !ends { self.begin_string(mark) } else { self.went_on() }
            }
            Some(_) if ends => {
                self.string = None;
                self.complete();
            }
            // The mark that should have ended the string before is missing.
            Some(_) if begins => self.begin_string(mark),
            // Inside a text, or twice where once would do: the string goes on, and is at its start if it was.
            Some(_) => {}
            None if begins || (mark != b'\'' && !ends) => self.begin_string(mark),
            // The mark that should have begun this string is missing.
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
        // Behind another mark it may be a value whose colon is missing.
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
            // Without its last mark a name must be followed by a list, or a note that begins with the word would be one.
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
        // The document itself begins behind the name of a variable or of a field.
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
    /// The list behind one more character, or nothing if that closes the last bracket.
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
