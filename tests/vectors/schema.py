"""Checks the vectors against their schemas."""

import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).parent
passed = failed = 0
for path in sorted(HERE.glob("*.schema.json")):
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    vectors = HERE / path.name.replace(".schema", "")
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(vectors.read_text())))
    for error in errors:
        print(f"{vectors.name}: {error.json_path}: {error.message:.200}")
    passed, failed = passed + (not errors), failed + bool(errors)
print(f"{passed} passed, {failed} failed")
sys.exit(failed or not passed)
