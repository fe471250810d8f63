"""The ids that a refused document revokes: docs/key-ring.md, "Revocations in a refused document"."""

import json
import math
import re

MOST_SCANNED = 1_048_576
DEEPEST = 3
MOST_NESTED = 16
MOST_OPEN = 127
MOST_FOUND = 1_024
NAMES = "revoked version serial propagation skew lifetime_cap keys key published_at seal_from emergency note".split()
HEXADECIMAL = set("0123456789abcdefABCDEF")
OF_WORD = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
#: Not printable ASCII, so that it differs from every character of a document.
ESCAPED_MARK = "\x80"
MARKS = {'"', "'", ESCAPED_MARK}
BLANKS = {" ", "\n"}


def units(document):
    """The numbers of the characters, by the encoding that the bytes look like."""
    document = document.rstrip(b"\0")
    holes = [run.span() for run in re.finditer(rb"\0{4,}", document)]
    nuls = [run.span() for run in re.finditer(rb"\0+", document) if run.end() - run.start() < 4]
    places = [place for start, end in nuls for place in range(start, end)]
    length = len(document) - sum(end - start for start, end in holes)
    little, big = document.startswith(b"\xff\xfe"), document.startswith(b"\xfe\xff")
    if not places or not (little or big or 4 * len(places) >= length):
        return list(document)
    odd = sum(place % 2 for place in places)
    order = "little" if little or not big and 2 * odd >= len(places) else "big"
    first, last = document.index(b"\0"), document.rindex(b"\0")
    start = max(first - (order == "little"), 0)
    end = last + (1 if order == "little" else 2)
    rest, found = document[start:end], list(document[:start])
    unit = lambda at, order: int.from_bytes(rest[at : at + 2].ljust(2, b"\0"), order)
    other, at = {"little": "big", "big": "little"}[order], 0
    while at < len(rest):
        if at + 6 <= len(rest) and all(shown(unit(at + 2 * number, other)) != " " for number in range(3)):
            at += 1
        found.append(unit(at, order))
        at += 2
    return found + list(document[end:])


def shown(unit):
    return "\n" if unit in (10, 13) else chr(unit) if 0x21 <= unit <= 0x7E else " "


def decode(document):
    return "".join(shown(unit) for unit in units(document) if unit != 0)


def words(text):
    return re.findall("[0-9A-Za-z_]+", text)


def id_of(word):
    return word.lower() if len(word) == 16 and set(word) <= HEXADECIMAL else None


class NoJson(Exception):
    pass


class Members(list):
    """An object's names and values."""


def number(text):
    if math.isinf(float(text)):
        raise NoJson
    return Number(text)


class Number(str):
    pass


def no_number(_):
    raise NoJson


def parsed(text):
    hooks = {"object_pairs_hook": Members, "parse_int": number, "parse_float": number, "parse_constant": no_number}
    try:
        value = json.loads(text, **hooks)
        check(value, 0)
        return value
    except (ValueError, RecursionError) as error:
        raise NoJson from error


def check(value, depth):
    if isinstance(value, list):
        if depth == MOST_OPEN:
            raise NoJson
        for part in [part for pair in value for part in pair] if isinstance(value, Members) else value:
            check(part, depth + 1)
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NoJson


def as_name(name):
    graphic = re.sub("^[^!-~]+|[^!-~]+$", "", name)
    return graphic.lower() if graphic.isascii() else None


def all_ids(text):
    ids = [id_of(word) for word in words(text)]
    return [] if None in ids else ids


def listed(value):
    """The ids that the value of `revoked` revokes."""
    if isinstance(value, Members):
        pairs = [pair for pair in value if pair[1] is not None and pair[1] is not False]
        return [id for name, part in pairs for id in all_ids(name) + listed(part)]
    if isinstance(value, list):
        return [id for part in value for id in listed(part)]
    if isinstance(value, Number):
        is_id = value.isdigit() and len(value) == 16 and value[0] != "0"
        return [str(value)] if is_id else []
    return all_ids(value) if isinstance(value, str) else []


def below(value, level, depth=0):
    """The ids that a value revokes if it is not a list itself."""
    if isinstance(value, Members):
        found = []
        for name, part in value:
            if as_name(name) == "revoked":
                found += listed(part)
            elif as_name(name) != "note":
                found += below(part, level, depth + 1)
        return found
    if isinstance(value, list):
        return [id for part in value for id in below(part, level, depth + 1)]
    if isinstance(value, str) and not isinstance(value, Number) and depth <= MOST_NESTED and level < DEEPEST:
        text = "".join(shown(ord(letter)) for letter in value)
        if text.lstrip(" \n")[:1] in ("{", '"'):
            return in_document(text, level + 1)
    return []


def walk(text, level):
    value = parsed(text)
    lists = [part for name, part in value if as_name(name) == "revoked"] if isinstance(value, Members) else []
    return [id for part in lists for id in listed(part)] if lists else below(value, level)


WRAPPED = re.compile(r"""[^"{]*(?<!\\)"([ \n\\"nrt]*\{[^"]*\\".*)""", re.DOTALL)
ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[^u]|u|$)", re.DOTALL)


def unwrapped(text):
    """The document, if the text is a quoted document."""
    match = WRAPPED.fullmatch(text)
    if match is None:
        return None
    inner = re.match(r"""(?:[^"\\]|\\.|\\$)*""", match[1], re.DOTALL)[0]

    def escape(match):
        kind = match[1]
        if len(kind) == 5:
            return shown(int(kind[1:], 16))
        return {"n": "\n", "r": "\n", "t": " ", "b": " ", "f": " ", "": " ", "u": " u"}.get(kind, kind)

    return ESCAPE.sub(escape, inner)


def unescape(text):
    first = text.find('"')
    mark = ESCAPED_MARK if first > 0 and text[first - 1] == "\\" else " "
    found, at = [], 0
    while at < len(text):
        after, digits = text[at + 1 : at + 2], text[at + 2 : at + 6]
        if text[at] != "\\":
            found.append(text[at])
            at += 1
        elif after == '"':
            found.append(mark)
            at += 2
        elif after == "u" and len(digits) == 4 and set(digits) <= HEXADECIMAL:
            code = chr(int(digits, 16))
            found.append(code if code in OF_WORD else " ")
            at += 6
        elif after and after in "\\/bfnrt":
            found.append(" ")
            at += 2
        else:
            if after:
                found.append(" ")
            at += 1
    return "".join(found).rstrip(" \n")


class String:
    def __init__(self, mark, in_place):
        self.mark, self.in_place, self.at_start = mark, in_place, True


class Candidate:
    def __init__(self, name, in_place, complete, bare, first_in_line=False):
        self.name, self.in_place, self.complete, self.bare = name, in_place, complete, bare
        self.first_in_line = first_in_line


class List:
    def __init__(self, may_be_prose, needs_bracket):
        self.needs_bracket = needs_bracket
        self.may_be_prose, self.open = may_be_prose, {"[": 0, "{": 0}


class Scan:
    def __init__(self, text):
        self.text, self.at, self.found = text, 0, []
        self.last, self.first_in_line, self.prose, self.key_text = None, True, False, False
        self.string = self.candidate = self.list = None
        self.text_field, self.last_word, self.is_open = False, None, False
        self.word_in_place = self.word_is_first = False

    def run(self):
        while self.at < len(self.text):
            character, start = self.text[self.at], self.at
            if self.string is None and (end := self.end_of_comment()) is not None:
                self.at, self.key_text = end, False
            elif character in BLANKS:
                if character == "\n":
                    self.first_in_line, self.prose, self.text_field = True, False, False
                self.at, self.key_text = self.at + 1, False
            elif character in OF_WORD:
                while self.at < len(self.text) and self.text[self.at] in OF_WORD:
                    self.at += 1
                self.word(self.text[start : self.at])
                self.last, self.first_in_line = self.text[self.at - 1], False
            else:
                (self.mark if character in MARKS else self.punctuation)(character)
                self.key_text = self.key_text and character in ".-"
                self.last, self.first_in_line, self.at = character, False, self.at + 1
        return self.found

    def end_of_comment(self):
        here = self.text[self.at : self.at + 2]
        if here == "/*":
            end = self.text.find("*/", self.at + 2)
            return None if end < 0 else end + 2
        before = self.text[max(self.at - 1, 0) : self.at]
        if (here == "//" and before != ":") or (here[0] == "#" and here[1:] in BLANKS and before in BLANKS | {""}):
            end = self.text.find("\n", self.at)
            return len(self.text) if end < 0 else end
        return None

    def goes_on(self):
        if self.string is not None:
            self.string.at_start = False

    def word(self, word):
        id = None if self.key_text else id_of(word)
        if self.list is not None and self.list.needs_bracket:
            self.list = None
        elif self.list is not None and id is not None:
            self.found.append(id)
            self.list.may_be_prose = False
        elif self.list is not None and self.list.may_be_prose:
            self.list = None
        if word == "osk1" and self.text[self.at : self.at + 1] == ".":
            self.key_text = True
        if self.string is None and self.list is None and self.last in (":", "=") and not self.first_in_line:
            self.prose = self.prose or not (word[0].isdigit() or word in ("true", "false", "null"))
        behind = self.first_in_line or self.last is None or self.last in MARKS or self.last in "{}[],;"
        self.candidate, self.last_word = None, word.lower()
        self.word_in_place = behind if self.string is None else self.string.in_place
        self.word_is_first = self.string is None or self.string.at_start
        if word.lower() in NAMES and self.string is None and self.text_field:
            pass
        elif word.lower() in NAMES and self.string is None:
            in_place = behind and not self.prose
            self.candidate = Candidate(word.lower(), in_place, complete=in_place, bare=True, first_in_line=self.first_in_line)
        elif word.lower() in NAMES and self.string.at_start:
            self.candidate = Candidate(word.lower(), self.string.in_place, complete=False, bare=False)
        self.goes_on()

    def mark(self, mark):
        if self.prose and mark == "'":
            return
        self.prose = False
        if self.list is not None:
            self.list.may_be_prose = False
        may_begin = self.first_in_line or self.last is None or self.last in "{[,:=;"
        next = self.text[self.at + 1 :].lstrip(" \n")[:1]
        may_end = next == "" or next in MARKS or next in ",:=;]}[{/#"
        if self.string is None:
            if may_begin or (not may_end and mark != "'"):
                self.begin_string(mark)
            else:
                self.complete()
        elif self.string.mark != mark:
            if mark == '"' and not may_end and (may_begin or self.string.at_start):
                self.begin_string(mark)
            else:
                self.goes_on()
        elif may_end:
            self.string = None
            self.complete()
        elif may_begin:
            self.begin_string(mark)

    def begin_string(self, mark):
        self.string = String(mark, in_place=self.last not in MARKS | {":", "="})
        self.candidate = None
        if self.last in (":", "="):
            self.text_field = False

    def complete(self):
        if self.candidate is not None:
            self.candidate.complete, self.candidate.bare = True, False

    def punctuation(self, character):
        self.goes_on()
        name = self.candidate
        if name is not None:
            separated = character in ":=;" and name.complete
            opened = character in "[{" and name.in_place and (name.complete or name.name == "revoked")
            if separated or opened:
                self.list = List(name.bare, name.bare and not name.first_in_line) if name.name == "revoked" else None
                self.string = self.candidate = None
                self.text_field = name.name == "note"
        is_named = self.last is not None and (self.last in MARKS or self.last in OF_WORD)
        may_name = self.word_in_place and (self.word_is_first or self.string is None)
        if character in ":=" and is_named and may_name and (self.last_word == "note" or self.last_word not in NAMES):
            self.text_field = True
        if self.string is None and character == "{":
            self.text_field = self.text_field and self.is_open
            self.is_open = True
        if self.string is None and character in "[]{}":
            self.prose = False
            self.bracket(character)

    def bracket(self, character):
        if self.list is None:
            return
        self.list.may_be_prose = False
        if character in "[{":
            self.list.needs_bracket = False
        kind = {"]": "[", "}": "{"}.get(character)
        if kind is None:
            self.list.open[character] += 1
        elif self.list.open[kind] > 0:
            self.list.open[kind] -= 1
            if not any(self.list.open.values()):
                self.list = None


def in_document(text, level):
    try:
        return walk(text, level)
    except NoJson:
        pass
    inner = unwrapped(text) if level < DEEPEST else None
    return Scan(unescape(text)).run() if inner is None else in_document(inner, level + 1)


def scan(document):
    """Every id that the bytes of a refused document revoke: the last ones, in the order of their last occurrences."""
    found = in_document(decode(document[:MOST_SCANNED]), 0)
    return list(dict.fromkeys(reversed(found)))[:MOST_FOUND][::-1]
