"""Shows that each target finds its faults: adds them to a copy, one at a time, and fuzzes until the target crashes."""

import os
import shutil
import subprocess
import sys
import tomllib

import run
from build import COUNTERS, FUZZ, ROOT, TARGETS, WORK, build, fail

COPY = WORK / "faults" / "tree"
PROGRAMS = WORK / "faults" / "programs"
LONGEST = 120
# The result if a seed already shows the fault.
LONGEST_BESIDE_A_SEED = 30


def listed():
    return tomllib.loads((FUZZ / "faults.toml").read_text())["fault"]


def misplaced(faults):
    """The errors of the list: a text that does not occur exactly once in its file, an unknown target or a target without a fault."""
    for fault in faults:
        path = ROOT / fault["file"]
        times = path.read_text().count(fault["from"]) if path.is_file() else 0
        if times != 1:
            yield f"{fault['name']}: its text stands {times} times in {fault['file']}"
        if fault["target"] not in TARGETS:
            yield f"{fault['name']}: no target is called {fault['target']}"
    for target in TARGETS:
        if not any(fault["target"] == target for fault in faults):
            yield f"{target}: there is no fault for it"


def check():
    """Whether the list matches the tree, without a build."""
    faults = listed()
    wrong = list(misplaced(faults))
    for line in wrong:
        print(f"{line}; fix fuzz/faults.toml", file=sys.stderr)
    if not wrong:
        print(f"{len(faults)} faults, each with its place")
    return not wrong


def copy():
    """Copies every file that git does not ignore."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.rmtree(PROGRAMS, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def prepare(targets):
    """The faults of these targets, or all, each with the folder of its program."""
    if not check():
        sys.exit(1)
    copy()
    faults = [fault for fault in listed() if not targets or fault["target"] in targets]
    for number, fault in enumerate(faults):
        path, target = COPY / fault["file"], fault["target"]
        before = path.read_text()
        path.write_text(before.replace(fault["from"], fault["to"]))
        # A separate build folder, away from the tree's own programs.
        built = build(COUNTERS, WORK / "faults" / "build", COPY / "fuzz" / "Cargo.toml", [target])
        path.write_text(before)
        if built is None:
            fail(f"{fault['name']}: the copy does not build with it; fix fuzz/faults.toml")
        fault["program"] = PROGRAMS / str(number)
        fault["program"].mkdir(parents=True)
        shutil.copy2(built / target, fault["program"] / target)
    return faults


def find(fault):
    """Runs the seeds, then fuzzes from those that do not show the fault."""
    program, target, folder = fault["program"], fault["target"], COPY.parent / "begin-with"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    seeds = sorted((FUZZ / "seeds" / target).iterdir())
    shows = {seed: crash for seed in seeds if (crash := run.replay(program, target, [seed]))}
    for seed in seeds:
        if seed not in shows:
            shutil.copy2(seed, folder)
    return shows, run.fuzz_from(program, target, LONGEST_BESIDE_A_SEED if shows else LONGEST, [folder])


def all_of(faults):
    """A row for each fault. It is found if a seed or fuzzing shows it."""
    os.environ["RUST_BACKTRACE"] = "0"
    found = []
    for fault in faults:
        shows, result = find(fault)
        crash = result.get("crash")
        words = crash["message"] if crash else next((run.message(output) for _, output in shows.values()), None)
        row = {"target": fault["target"], "fault": fault["name"], "seeds": [seed.name for seed in shows], "found": bool(shows or crash),
               "fuzzing": crash is not None, "seconds": result["seconds"], "executions": result["executions"], "by": words}
        found.append(row)
        print(f"  {row['target']:<18} {row['fault']}: {told(row)}", flush=True)
        if words:
            print(f"  {'':<18} {words[:150]}", flush=True)
    return found


def told(row):
    if not row["found"]:
        return f"NOT FOUND in {row['seconds']:.0f} s, {row['executions']:,} executions, and no seed shows it"
    seeds = [f"shown by the seed {', '.join(row['seeds'])}"] if row["seeds"] else []
    fuzzed = [f"found by fuzzing in {row['seconds']} s, {row['executions']:,} executions"] if row["fuzzing"] else []
    return "; ".join(seeds + fuzzed)
