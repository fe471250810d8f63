"""The table of targets: the bound, the measurement, and whether it was met. Printed, and a part of docs/benchmarks.md."""

import json
import pathlib
import sys

MIB = 1024 * 1024
# The logins as the benchmarks name them, and as the page does.
NAMES = {"least": "minimal", "usual": "usual"}


def read(target, name):
    """The results of a benchmark, or nothing if it did not run."""
    path = pathlib.Path(target) / "bench" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def rows(target, quick):
    """The description, the bound and the measurement as text, and whether the bound was met."""
    floor, memory, peers = (read(target, name) for name in ["floor", "memory", "peers"])
    guards = read(target, "guards-part" if quick else "guards")
    load = read(target, "load-sealed")
    login, tokens = floor["login"], peers["tokens"]
    table = []

    def at_most(what, bound, measured, digits=2):
        table.append((what, f"≤ {bound:.{digits}f}", f"{measured:.{digits}f}", measured <= bound))

    def at_least(what, bound, measured, digits=2):
        table.append((what, f"≥ {bound:.{digits}f}", f"{measured:.{digits}f}", measured >= bound))

    for shape in ["least", "usual"]:
        at_most(f"`begin`, the {NAMES[shape]} login / the floor with the same libraries", 1.12, login[shape]["begin"][1]["ratio"])
        at_most(f"`finish` up to the guard, the {NAMES[shape]} login / that floor", 1.12, login[shape]["finish"][1]["ratio"])
    # The first entry is this crate: the fastest floor as a share of it.
    fastest = min(side["ratio"] for side in peers["floors"]["begin"][1:])
    at_most("`begin`, the usual login / the fastest floor of any libraries", 1.25, 1 / fastest)
    others = tokens[1:]
    for operation, bound in [("begin", 1.15), ("finish", 0.90)]:
        peer = min(others, key=lambda row: row[operation]["ratio"])
        at_least(f"`{operation}` of the fastest peer ({peer['name']}) / ours", bound, peer[operation]["ratio"])
    # Not AEAD and JSON combined by hand: that has no expiry, no key ids and no format.
    libraries = [row for row in others if not row["name"].startswith("AES-256-GCM and JSON")]
    for operation in ["begin", "finish"]:
        peer = min(libraries, key=lambda row: row[operation]["ratio"])
        at_least(f"`{operation}` of the fastest complete token library ({peer['name']}) / ours", 1.3, peer[operation]["ratio"])
    smallest = min(others, key=lambda row: row["characters"])
    at_most(f"characters of the state / the smallest peer's ({smallest['name']})", 0.43, tokens[0]["characters"] / smallest["characters"])
    worst = max(login["forged"], key=lambda row: row["ratio"])
    at_most(f"refusing a forged state / opening a genuine one, in the worst case ({NAMES.get(worst['shape'], worst['shape'])})", 1.0, worst["ratio"])
    for row in memory["allocations"]:
        if row["shape"] in ("least", "usual"):
            for operation in ["begin", "finish"]:
                bound = row[f"{operation}_strings"] + 1
                table.append((f"allocations of `{operation}`, the {NAMES[row['shape']]} login", f"≤ {bound}", str(row[operation]), row[operation] <= bound))
            table.append((f"allocations of refusing a forged state beyond the callback's two strings, {NAMES[row['shape']]}", "≤ 1", str(row["forged"]), row["forged"] <= 1))
    at_most("`SingleProcessGuard`: bytes per mark at the worst fill", 48, guards["memory"]["worst"], 1)
    for threads in ["one", "two"]:
        at_least(f"`SingleProcessGuard`: claims per second / moka's, {threads} thread{'' if threads == 'one' else 's'}", 5, guards["moka"][threads], 1)
    at_least("two threads / one, relative to a loop of multiplications", 0.95, floor["threads"]["beside_arithmetic"])
    at_least("two threads / one, relative to a loop of SHA-256", 0.95, floor["threads"]["beside_hashing"])
    most = max(memory["flood"]["bytes_most"], abs(memory["flood"]["bytes_held"])) / MIB
    table.append((f"peak memory growth while {memory['flood']['begun']:,} logins start and never complete", "± 1 MiB", f"{most:+.4f} MiB", most <= 1))
    for run in filter(None, [load, read(target, "load-sealed-100000")]):
        what = f"logins completed, {run['flows']:,} in flight, {run['kills']} kills, except those in flight on a killed server"
        table.append((what, "100 %", f"{100 * run['success']:.3f} %", run["success"] == 1.0 and run["kills"] > 0))
    marks = floor["marks"]
    at_most(f"a login with {marks['many']:,} marks held / with {marks['few']:,}", 1.3, marks["ratio"])
    return table


def markdown(target, quick=False):
    lines = ["| what | target | measured | |", "|---|---:|---:|---|"]
    for what, bound, measured, met in rows(target, quick):
        lines.append(f"| {what} | {bound} | {measured} | {'met' if met else '**missed**'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    table = rows(sys.argv[1], len(sys.argv) > 2 and sys.argv[2] != "")
    wide = max(len(row[0]) for row in table)
    print(f"\n{'what':<{wide}}  {'target':>8}  {'measured':>10}")
    for what, bound, measured, met in table:
        print(f"{what:<{wide}}  {bound:>8}  {measured:>10}  {'met' if met else 'MISSED'}")
    met = sum(1 for row in table if row[3])
    print(f"\n{met} of {len(table)} targets met")
