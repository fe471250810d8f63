"""Selects the Rust files that are the packages' own code."""

import pathlib
import re

LIBRARY = "oauth-state"
# The unit tests within a file.
UNIT_TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{.*", re.S)


def packages(root):
    """The sources of each package, the library first."""
    found = {LIBRARY: root / "src"}
    found |= {path.parent.name: path for folder in ("crates", "sources") for path in sorted(root.glob(f"{folder}/*/src"))}
    return found | {"demo": root / "examples" / "demo" / "src"}


def is_test(path):
    return path.stem.endswith("_tests") or path.stem in ("tests", "frozen_vectors", "worked_example") or "simulation" in path.parts
