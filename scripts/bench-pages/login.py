"""The README's ratios of begin and finish, from what criterion wrote."""

import json
import pathlib
import sys

import page

criterion = pathlib.Path(sys.argv[1]) / "criterion"


def median(group, name):
    """Nanoseconds per call."""
    estimates = json.loads((criterion / group / name / "new" / "estimates.json").read_text())
    return estimates["median"]["point_estimate"]


rows = ["| | beside the same work written straight down |", "|---|---:|"]
for group, what in [("begin", "begin"), ("finish", "finish, up to the guard")]:
    rows.append(f"| {what} | {median(group, 'oauth-state') / median(group, 'straight-line'):.2f} |")
forged = median("finish", "oauth-state, forged") / median("finish", "oauth-state")
rows.append(f"| refusing a forged state, beside a finish | {forged:.2f} |")
page.write("README.md", "\n".join(rows) + "\n")
