"""Holds states.json to its schema."""

import json
import pathlib

import jsonschema

HERE = pathlib.Path(__file__).parent
vectors = json.loads((HERE / "states.json").read_text())
jsonschema.validate(vectors, json.loads((HERE / "states.schema.json").read_text()))
print("1 passed, 0 failed")
