"""The ids that a refused document revokes: docs/key-ring.md, "Revocations in a refused document"."""

MOST_SCANNED = 1_048_576
MOST_FOUND = 1_024
NAMES = "revoked version serial propagation skew lifetime_cap keys key published_at seal_from note emergency".split()
HEXADECIMAL = set("0123456789abcdefABCDEF")
OF_WORD = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
#: Not printable ASCII, so that no character of a document is taken for it.
ESCAPED_MARK = "\x80"
MARKS = {'"', "'", ESCAPED_MARK}
BLANKS = {" ", "\n"}


def units(document):
    """The numbers of the characters, by the encoding that the bytes look like."""
    document = document.rstrip(b"\0")
    even, odd = document[::2].count(0), document[1::2].count(0)
    little, big = document.startswith(b"\xff\xfe"), document.startswith(b"\xfe\xff")
    if not (little or big or document and even + odd >= -(-len(document) // 4)):
        return list(document)
    order = "little" if little or not big and odd >= even else "big"
    whole = document + bytes(len(document) % 2)
    return [int.from_bytes(whole[at : at + 2], order) for at in range(0, len(whole), 2)]


def decode(document):
    shown = lambda unit: "\n" if unit in (10, 13) else chr(unit) if 0x21 <= unit <= 0x7E else " "
    return [shown(unit) for unit in units(document) if unit != 0]


def unescape(text):
    found, at = [], 0
    while at < len(text):
        after = text[at + 1 : at + 2]
        digits = text[at + 2 : at + 6]
        if text[at] != "\\":
            found.append(text[at])
            at += 1
        elif after == ['"']:
            found.append(ESCAPED_MARK)
            at += 2
        elif after == ["u"] and len(digits) == 4 and set(digits) <= HEXADECIMAL:
            code = chr(int("".join(digits), 16))
            found.append(code if code in OF_WORD else " ")
            at += 6
        elif after and after[0] in "\\/bfnrt":
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
    def __init__(self, name, in_place, complete, bare):
        self.name, self.in_place, self.complete, self.bare = name, in_place, complete, bare


class List:
    def __init__(self, may_be_prose):
        self.may_be_prose, self.open = may_be_prose, {"[": 0, "{": 0}


class Scan:
    def __init__(self, text):
        self.text, self.at, self.found = text, 0, []
        self.last, self.first_in_line, self.prose, self.key_text = None, True, False, False
        self.string = self.candidate = self.list = None

    def run(self):
        while self.at < len(self.text):
            character, start = self.text[self.at], self.at
            if self.string is None and (end := self.end_of_comment()) is not None:
                self.at, self.key_text = end, False
            elif character in BLANKS:
                if character == "\n":
                    self.first_in_line, self.prose = True, False
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
        return self.found[:MOST_FOUND]

    def end_of_comment(self):
        here = self.text[self.at : self.at + 2]
        if here == "/*":
            end = self.text.find("*/", self.at + 2)
            return None if end < 0 else end + 2
        behind_colon = self.text[max(self.at - 1, 0) : self.at] == ":"
        if (here == "//" and not behind_colon) or (here[0] == "#" and here[1:] in BLANKS):
            end = self.text.find("\n", self.at)
            return None if end < 0 else end
        return None

    def goes_on(self):
        if self.string is not None:
            self.string.at_start = False

    def word(self, word):
        id = word.lower() if len(word) == 16 and set(word) <= HEXADECIMAL and not self.key_text else None
        if self.list is not None and id is not None:
            self.found.append(id)
            self.list.may_be_prose = False
        elif self.list is not None and self.list.may_be_prose:
            self.list = None
        if word == "osk1" and self.text[self.at : self.at + 1] == ".":
            self.key_text = True
        if self.string is None and self.list is None and self.last in (":", "=") and not self.first_in_line:
            self.prose = self.prose or not (word[0].isdigit() or word in ("true", "false", "null"))
        self.candidate = None
        if word.lower() in NAMES and self.string is None:
            behind = self.first_in_line or self.last is None or self.last in MARKS or self.last in "{}[],;"
            in_place = behind and not self.prose
            self.candidate = Candidate(word.lower(), in_place, complete=in_place, bare=True)
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
                self.list = List(may_be_prose=name.bare) if name.name == "revoked" else None
                self.string = self.candidate = None
        if self.string is None and character in "[]{}":
            self.prose = False
            self.bracket(character)

    def bracket(self, character):
        if self.list is None:
            return
        self.list.may_be_prose = False
        kind = {"]": "[", "}": "{"}.get(character)
        if kind is None:
            self.list.open[character] += 1
        elif self.list.open[kind] > 0:
            self.list.open[kind] -= 1
            if not any(self.list.open.values()):
                self.list = None


def scan(document):
    """Every id that the bytes of a refused document revoke."""
    return Scan(unescape(decode(document[:MOST_SCANNED]))).run()
