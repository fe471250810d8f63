"""Writes the figures of the last runs between the markers of docs/fuzzing.md."""

import broken
import coverage
from build import ROOT, TARGETS, fail

PAGE = ROOT / "docs" / "fuzzing.md"
START, END = "<!-- fuzz -->\n", "<!-- /fuzz -->"


def targets(result):
    yield "| target | executions | a second | edges reached | inputs kept | crashes |"
    yield "|---|---:|---:|---:|---:|---:|"
    for target in TARGETS:
        ran = result["targets"][target]
        yield (f"| `{target}` | {ran.get('executions', 0):,} | {ran.get('executions_per_second', 0):,} | {ran.get('edges', 0):,} | "
               f"{ran.get('corpus', 0):,} | {1 if 'crash' in ran else 0} |")
    seconds = max(ran["seconds"] for ran in result["targets"].values())
    total = sum(ran.get("executions", 0) for ran in result["targets"].values())
    yield f"\n{total:,} executions, up to {seconds:,.0f} seconds for each target, on {result['processors']} processors; {result['compiler']}."


def reached(result):
    yield "\n| file | lines reached | of |"
    yield "|---|---:|---:|"
    for name, counted in sorted(result["coverage"].items()):
        yield f"| `{name}` | {coverage.percent(counted):.1f} % | {counted['lines']} |"


def faults(result):
    yield "\n| target | inserted fault | seeds that show it | found by fuzzing after | executions |"
    yield "|---|---|---:|---:|---:|"
    for row in result["faults"]:
        after = f"{row['seconds']:.1f} s" if row["fuzzing"] else "–" if row["found"] else "not found"
        yield f"| `{row['target']}` | {row['fault']} | {len(row['seeds'])} | {after} | {row['executions']:,} |"


def missing(result):
    """The commands that must run before the page can be written, for the current targets and faults."""
    if set(result.get("targets", {})) != set(TARGETS):
        yield "scripts/fuzz 10"
    if "coverage" not in result:
        yield "scripts/fuzz --coverage"
    if [row["fault"] for row in result.get("faults", [])] != [fault["name"] for fault in broken.listed()]:
        yield "scripts/fuzz --faults"


def write(result):
    if commands := list(missing(result)):
        fail(f"docs/fuzzing.md is unchanged, because its commands have not run: {', '.join(commands)}")
    lines = [*targets(result), *reached(result), *faults(result)]
    text = PAGE.read_text()
    before, rest = text.split(START)
    PAGE.write_text(before + START + "\n".join(lines) + "\n" + END + rest.split(END)[1])
    print("\n".join(lines))
