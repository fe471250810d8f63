"""Writes the vectors: the inputs in `cases`, with the answers of the reference.

    python3 tests/vectors/make.py           # adds new vectors
    python3 tests/vectors/make.py --check   # checks that the reference agrees with every vector, and that none has changed

Vectors are only added. A vector that would change is an error.
`frozen.txt` has a digest of each, so changing or removing one by hand is also an error.
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
    """The numbers of vectors of a file with and without the reference's agreement."""
    vectors = published(case)["vectors"]
    wrong = [vector["name"] for vector in vectors if case.outcome(vector) != vector["outcome"]]
    for name in wrong:
        print(f"{case.FILE}: the reference disagrees: {name}")
    # A file without vectors would agree with anything.
    return len(vectors) - len(wrong), len(wrong) + (not vectors)


def refuse(case, what):
    sys.exit(f"{case.FILE}: {what} was frozen with another value. Published vectors never change: give the new one its own name.")


def complete(case):
    """Adds new vectors to a file; a change of an existing one ends the program."""
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
    """The number of entries that differ from the published ones."""
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
    # Build all of them before writing any, so that an error changes nothing.
    documents = {case.FILE: complete(case) for case in CASES}
    new = frozen.new(documents, digests)
    if check_frozen(documents, {**digests, **new}):
        sys.exit("What is published stays as it is: nothing was written.")
    for name, document in documents.items():
        (HERE / name).write_text(json.dumps(document, indent=1) + "\n")
    frozen.add(new)
    return 0


sys.exit(main())
