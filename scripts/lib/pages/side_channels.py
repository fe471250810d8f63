"""The tables of docs/side-channels.md, from the results of the benchmark `side_channels` and the test `keys_gone`."""

import json
import pathlib
import sys

import page

PAGE = "docs/side-channels.md"
THRESHOLD = 4.5
target = pathlib.Path(sys.argv[1]) / "bench"
report = json.loads((target / "side_channels.json").read_text())
memory = json.loads((target / "keys_gone.json").read_text())

FOR = {"must leak": "must be told apart", "cannot leak": "one class twice", "measured": "must not be told apart"}
rows = ["| measured | the two classes | largest \\|t\\| | medians differ by | |", "|---|---|---:|---:|---|"]
for kind in FOR:
    for row in (row for row in report["comparisons"] if row["kind"] == kind):
        found = row["found"]
        told = found["t"] >= THRESHOLD
        verdict = "told apart" if told else "not told apart"
        if told != (kind == "must leak"):
            verdict = f"**{verdict}**"
        rows.append(f"| {row['what']} | {' / '.join(row['classes'])} | {found['t']:.1f} | {found['nanoseconds']:+.0f} of {found['median']:,.0f} ns | {FOR[kind]}: {verdict} |")
count = min(row["found"]["measurements"] for row in report["comparisons"])
page.write(PAGE, "\n".join(rows) + f"\n\n{count:,} measurements of each pair; a comparison alone runs 64 times in each.\n", "comparisons")

rows = ["| refused after checking | codes | time relative to a callback that passes |", "|---|---|---:|"]
for group in report["classes"]:
    ratios = [row["ratio"] for row in group["codes"]]
    codes = ", ".join(f"`{row['name']}` {row['ratio']:.2f}" for row in group["codes"])
    rows.append(f"| {group['after']} | {codes} | {min(ratios):.2f} to {max(ratios):.2f} |")
page.write(PAGE, "\n".join(rows) + "\n", "classes")

rows = ["| secret | in use: heap | stack | dropped: heap | stack |", "|---|---:|---:|---:|---:|"]
for row in memory:
    name = row["name"] if row["ours"] else f"{row['name']} (others')"
    rows.append("| " + " | ".join([name, *(str(row[when][where]) for when in ["in_use", "dropped"] for where in ["heap", "stack"])]) + " |")
page.write(PAGE, "\n".join(rows) + "\n", "memory")
