"""Writes the vectors: what `cases` lists, with the answers of the reference.

    python3 tests/vectors/make.py           # adds what is new
    python3 tests/vectors/make.py --check   # the reference agrees with every vector that is there

Vectors are only ever added to. One that would come out otherwise than it stands is an error: what was frozen has changed.
"""

import argparse
import json
import pathlib
import sys

from cases import callbacks, cookies, derived, rings, states, successions

HERE = pathlib.Path(__file__).parent
CASES = [states, derived, rings, successions, callbacks, cookies]


def frozen_of(case):
    path = HERE / case.FILE
    return json.loads(path.read_text()) if path.exists() else {**{name: {} for name in case.SHARED}, "vectors": []}


def check(case):
    """How many vectors of a file the reference agrees with, and how many not."""
    vectors = frozen_of(case)["vectors"]
    wrong = [vector["name"] for vector in vectors if case.outcome(vector) != vector["outcome"]]
    for name in wrong:
        print(f"{case.FILE}: the reference disagrees: {name}")
    # A file without vectors would agree with anything.
    return len(vectors) - len(wrong), len(wrong) + (not vectors)


def refuse(case, what):
    sys.exit(f"{case.FILE}: {what} was frozen otherwise. What is published stays as it is: give the new one a name of its own.")


def complete(case):
    """The text of a file with what is new in it; a change of what is there ends the program."""
    frozen = frozen_of(case)
    for shared, entries in case.SHARED.items():
        for name, entry in frozen[shared].items():
            if entries.get(name) != entry:
                refuse(case, f"{shared}, {name!r}")
    known = {vector["name"]: vector for vector in frozen["vectors"]}
    listed = set()
    for vector in case.vectors():
        name = vector["name"]
        if name in listed:
            sys.exit(f"{case.FILE}: two vectors are called {name!r}")
        listed.add(name)
        vector["outcome"] = case.outcome(vector)
        if known.setdefault(name, vector) != vector:
            refuse(case, f"the vector {name!r}")
    for name, vector in known.items():
        if name not in listed and case.outcome(vector) != vector["outcome"]:
            refuse(case, f"the vector {name!r}")
    counts = {}
    for vector in known.values():
        code = vector["outcome"].get("refused", "accepted")
        counts[code] = counts.get(code, 0) + 1
    print(f"{case.FILE}: {len(known)} vectors: " + ", ".join(f"{number} {code}" for code, number in sorted(counts.items())))
    return json.dumps({**case.SHARED, "vectors": list(known.values())}, indent=1) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; compare every vector with the reference")
    if parser.parse_args().check:
        agreed, disagreed = (sum(counts) for counts in zip(*map(check, CASES)))
        print(f"{agreed} passed, {disagreed} failed")
        return 1 if disagreed else 0
    # All of them before any is written, so that a refusal leaves everything as it was.
    texts = [(case.FILE, complete(case)) for case in CASES]
    for name, text in texts:
        (HERE / name).write_text(text)
    return 0


sys.exit(main())
