"""Writes the vectors: what `cases` lists, with the answers of the reference.

    python3 tests/vectors/make.py           # adds what is new
    python3 tests/vectors/make.py --check   # the reference agrees with every vector, and each is as it was published

Vectors are only ever added to. One that would come out otherwise than it stands is an error: what was frozen has changed.
`frozen.txt` has a digest of each, so that one that is changed or taken out by hand is an error as well.
"""

import argparse
import json
import pathlib
import sys

import frozen
from cases import callbacks, cookies, derived, rings, states, successions

HERE = pathlib.Path(__file__).parent
CASES = [states, derived, rings, successions, callbacks, cookies]


def published(case):
    path = HERE / case.FILE
    return json.loads(path.read_text()) if path.exists() else {**{name: {} for name in case.SHARED}, "vectors": []}


def check(case):
    """How many vectors of a file the reference agrees with, and how many not."""
    vectors = published(case)["vectors"]
    wrong = [vector["name"] for vector in vectors if case.outcome(vector) != vector["outcome"]]
    for name in wrong:
        print(f"{case.FILE}: the reference disagrees: {name}")
    # A file without vectors would agree with anything.
    return len(vectors) - len(wrong), len(wrong) + (not vectors)


def refuse(case, what):
    sys.exit(f"{case.FILE}: {what} was frozen otherwise. What is published stays as it is: give the new one a name of its own.")


def complete(case):
    """A file with what is new in it; a change of what is there ends the program."""
    before = published(case)
    for shared, entries in case.SHARED.items():
        for name, entry in before[shared].items():
            if entries.get(name) != entry:
                refuse(case, f"{shared}, {name!r}")
    known = {vector["name"]: vector for vector in before["vectors"]}
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
    return {**case.SHARED, "vectors": list(known.values())}


def check_frozen(documents, digests):
    """How many entries are not as they were published."""
    faults = frozen.faults(documents, digests)
    for (file, part, name), fault in faults:
        print(f"{file}: {part}, {name!r} {fault}")
    return len(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; compare every vector with the reference")
    digests = frozen.read()
    before = {case.FILE: published(case) for case in CASES}
    if parser.parse_args().check:
        agreed, disagreed = (sum(counts) for counts in zip(*map(check, CASES)))
        wrong = check_frozen(before, digests)
        print(f"{agreed} passed, {disagreed + wrong} failed")
        return 1 if disagreed + wrong else 0
    # All of them before any is written, so that a refusal leaves everything as it was.
    documents = {case.FILE: complete(case) for case in CASES}
    new = frozen.new(documents, digests)
    if check_frozen(documents, {**digests, **new}):
        sys.exit("What is published stays as it is: nothing was written.")
    for name, document in documents.items():
        (HERE / name).write_text(json.dumps(document, indent=1) + "\n")
    frozen.add(new)
    return 0


sys.exit(main())
