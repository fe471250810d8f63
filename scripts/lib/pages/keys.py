"""The figures of docs/rotation.md, from the results of the benchmark `live_ring`."""

import json
import pathlib
import sys

import page

report = json.loads((pathlib.Path(sys.argv[1]) / "live_ring.json").read_text())
tail, start = report["tail"], report["start"]
rows = [
    ("reading the ring instead of a plain `Arc`, share of `begin`", f"{100 * report['read']['share']:.2f} %"),
    *((f"`begin`, {name}, a swap every 20 ms / no swaps", f"{tail[name]['ratio']:.2f}") for name in ["p50", "p99", "p99.9", "p99.99"]),
    *((f"from a file of {name} to the first state / one `begin`", f"{1000 * time / report['read']['begin']:.0f}") for name, time in start.items()),
]
lines = ["| measurement | result |", "|---|---:|", *(f"| {what} | {figure} |" for what, figure in rows)]
page.write("docs/rotation.md", "\n".join(lines) + f"\n\n{tail['swaps']} swaps.\n")
