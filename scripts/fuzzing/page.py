"""Writes the figures of the last runs between the marks of docs/fuzzing.md."""

import coverage
from build import ROOT, TARGETS

PAGE = ROOT / "docs" / "fuzzing.md"
START, END = "<!-- fuzz -->\n", "<!-- /fuzz -->"


def targets(result):
    yield "| target | executions | a second | edges reached | inputs kept | crashes |"
    yield "|---|---:|---:|---:|---:|---:|"
    for target in TARGETS:
        ran = result["targets"].get(target)
        if ran:
            edges = f"{ran.get('edges', 0):,}"
            yield (f"| `{target}` | {ran.get('executions', 0):,} | {ran.get('executions_per_second', 0):,} | {edges} | "
                   f"{ran.get('corpus', 0):,} | {1 if 'crash' in ran else 0} |")
    seconds = max(ran["seconds"] for ran in result["targets"].values())
    total = sum(ran.get("executions", 0) for ran in result["targets"].values())
    yield f"\n{total:,} executions, {seconds:,.0f} seconds for each target at the most, on {result['processors']} processors; {result['compiler']}."


def reached(result):
    yield "\n| file | lines reached | of |"
    yield "|---|---:|---:|"
    for name, counted in sorted(result["coverage"].items()):
        yield f"| `{name}` | {coverage.percent(counted):.1f} % | {counted['lines']} |"


def faults(result):
    yield "\n| target | fault that was put in | found after | executions | seeds that show it |"
    yield "|---|---|---:|---:|---:|"
    for row in result["faults"]:
        after = f"{row['seconds']:.1f} s" if row["found"] else "not found"
        yield f"| `{row['target']}` | {row['fault']} | {after} | {row['executions']:,} | {row['seeds']} |"


def write(result):
    lines = []
    for name, table in (("targets", targets), ("coverage", reached), ("faults", faults)):
        if name in result:
            lines += table(result)
    text = PAGE.read_text()
    before, rest = text.split(START)
    PAGE.write_text(before + START + "\n".join(lines) + "\n" + END + rest.split(END)[1])
    print("\n".join(lines))
