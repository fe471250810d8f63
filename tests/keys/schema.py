"""Compares the published JSON schema with the command line: both must accept and refuse the same documents.

Usage: schema.py PATH-OF-oauth-state
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

program = sys.argv[1]
passed = failed = 0


def run(*arguments, **options):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, **options)


def accepts(validator, text):
    """Whether the schema accepts the document."""
    try:
        validator.validate(json.loads(text))
        return True
    except (json.JSONDecodeError, jsonschema.ValidationError):
        return False


def reads(text):
    """Whether the command line accepts it; 4 is the exit code for a refused document."""
    ended = run("keys", "list", "-", input=text)
    assert ended.returncode in (0, 4), ended.stderr
    return ended.returncode == 0


def expect(what, holds):
    global passed, failed
    passed, failed = passed + holds, failed + (not holds)
    if not holds:
        print(f"FAILED: {what}")


schema = json.loads(run("keys", "schema").stdout)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
expect("the command line prints the published schema", schema == json.loads(pathlib.Path("docs/key-ring.schema.json").read_text()))

with tempfile.TemporaryDirectory() as folder:
    path = str(pathlib.Path(folder) / "ring.json")
    assert run("keys", "generate", "--out", path, "--note", "the first").returncode == 0
    documents = [pathlib.Path(path).read_text()]
    assert run("keys", "rotate", path).returncode == 0
    documents.append(pathlib.Path(path).read_text())
    first = json.loads(run("keys", "list", path, "--json").stdout)["keys"][0]["id"]
    assert run("keys", "revoke", path, first).returncode == 0
    documents.append(pathlib.Path(path).read_text())

for number, document in enumerate(documents):
    expect(f"document {number} as it was written", accepts(validator, document) and reads(document))

good = json.loads(documents[2])


def changed(change):
    document = copy.deepcopy(good)
    change(document)
    return json.dumps(document)


def removed(*path):
    def change(document):
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]
    return change


def put(value, *path):
    def change(document):
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value
    return change


for what, change in [
    *((f"without {field}", removed(field)) for field in ["version", "serial", "propagation", "skew", "lifetime_cap", "keys"]),
    *((f"a key without {field}", removed("keys", 0, field)) for field in ["key", "published_at", "seal_from"]),
    ("an unknown field", put(1, "revokd")),
    ("an unknown field of a key", put(1, "keys", 0, "seal_until")),
    ("another version", put(2, "version")),
    *((f"{field} as text", put("7", field)) for field in ["serial", "propagation", "skew", "lifetime_cap"]),
    ("a negative serial", put(-1, "serial")),
    ("a serial that not every reader of JSON holds", put(2**53, "serial")),
    ("a propagation beyond a week", put(604_801, "propagation")),
    ("a skew beyond fifteen minutes", put(901, "skew")),
    ("a lifetime_cap of nothing", put(0, "lifetime_cap")),
    ("a lifetime_cap beyond an hour", put(3_601, "lifetime_cap")),
    ("no keys", put([], "keys")),
    ("a key of another form", put("osk1.short.AAAAAAAA", "keys", 0, "key")),
    *((f"a time such as {time}", put(time, "keys", 0, "seal_from")) for time in ["now", "2026-11-24", "2026-11-24T12:00:00", "2026-11-24T12:00:00+01:00", 1_800_000_000]),
    ("emergency as text", put("yes", "keys", 0, "emergency")),
    ("a note that is a number", put(7, "keys", 0, "note")),
    ("a revoked id that is none", put(["xyz"], "revoked")),
    ("a revoked id in capitals", put(["00112233AABBCCDD"], "revoked")),
    ("revoked as text", put("00112233aabbccdd", "revoked")),
]:
    document = changed(change)
    expect(f"{what}: refused by the schema", not accepts(validator, document))
    expect(f"{what}: refused by the command line", not reads(document))

for what, change in [
    ("without revoked", removed("revoked")),
    ("without notes", put(None, "keys", 0, "note")),
    ("a fraction of a second", put("2026-01-01T12:00:00.250Z", "keys", 0, "seal_from")),
    ("the largest serial", put(2**53 - 1, "serial")),
]:
    document = changed(change)
    # An emergency key needs its predecessor in `revoked`.
    if what == "without revoked":
        document = json.dumps({key: value for key, value in json.loads(documents[0]).items() if key != "revoked"})
    expect(f"{what}: taken by both", accepts(validator, document) and reads(document))

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
