"""The README's ratios of begin and finish, from what the benchmark `floor` wrote."""

import json
import pathlib
import sys

import page

report = json.loads((pathlib.Path(sys.argv[1]) / "bench" / "floor.json").read_text())["login"]
rows = ["| | beside the same work written straight down |", "|---|---:|"]
for operation, what in [("begin", "begin"), ("finish", "finish, up to the guard")]:
    rows.append(f"| {what} | {report['usual'][operation][1]['ratio']:.2f} |")
forged = next(row["ratio"] for row in report["forged"] if row["shape"] == "usual")
rows.append(f"| refusing a forged state, beside a finish | {forged:.2f} |")
page.write("README.md", "\n".join(rows) + "\n")
