"""What metrics cost, from runs with the feature and without it in turn, into docs/operations.md."""

import pathlib
import statistics
import sys

import page

runs = [line.split() for line in (pathlib.Path(sys.argv[1]) / "telemetry" / "runs").read_text().splitlines()]
times = {feature: [(int(begin), int(finish)) for which, begin, finish in runs if which == feature] for feature in ("off", "on")}
rows = []
for place, what in enumerate(("begin", "finish")):
    off, on = (statistics.median(run[place] for run in times[feature]) for feature in ("off", "on"))
    rows.append(f"| {what}, with a Prometheus recorder relative to the feature off | {on / off:.3f} |")
lines = "\n".join(["| what | ratio of processor times |", "|---|---:|", *rows])
if sys.argv[2]:
    print(lines)
else:
    page.write("docs/operations.md", f"{lines}\n\nThe median of {len(times['on'])} runs of each, in turn.\n")
