"""The published vectors, with a digest of each in `frozen.txt`: lines are only added, never changed or removed."""

import hashlib
import json
import pathlib

FILE = pathlib.Path(__file__).parent / "frozen.txt"


def digest(value):
    """The digest of the value as JSON, independent of the file's layout."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def entries(file, document):
    """Each vector and each shared value: `(file, part, name)` and the value."""
    for part, values in document.items():
        named = values.items() if isinstance(values, dict) else ((value["name"], value) for value in values)
        for name, value in named:
            yield (file, part, name), value


def read():
    """The digests, by `(file, part, name)`."""
    digests = {}
    for line in FILE.read_text().splitlines():
        found, file, part, name = line.split(" ", 3)
        if digests.setdefault((file, part, name), found) != found:
            raise ValueError(f"{FILE.name} has two digests for {file}, {part}, {name!r}")
    return digests


def faults(documents, digests):
    """The differences from the published vectors: changed, missing, repeated, or without a digest."""
    found, seen = [], set()
    for file, document in documents.items():
        for key, value in entries(file, document):
            if key in seen:
                found.append((key, "occurs twice"))
            elif key not in digests:
                found.append((key, "has no digest: run make.py"))
            elif digests[key] != digest(value):
                found.append((key, "was published otherwise"))
            seen.add(key)
    return found + [(key, "was published and is missing") for key in digests if key not in seen]


def new(documents, digests):
    """The digests of entries without one."""
    found = (entry for file, document in documents.items() for entry in entries(file, document))
    return {key: digest(value) for key, value in found if key not in digests}


def add(digests):
    with FILE.open("a") as lines:
        lines.writelines(f"{found} {' '.join(key)}\n" for key, found in digests.items())
