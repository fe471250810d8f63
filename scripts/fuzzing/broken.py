"""Shows that each target finds the faults that it is there for: puts them into a copy, one at a time, and fuzzes until it crashes."""

import os
import shutil
import subprocess
import tomllib

import run
from build import COUNTERS, FUZZ, ROOT, WORK, build, fail

COPY = WORK / "faults" / "tree"
PROGRAMS = WORK / "faults" / "programs"
LONGEST = 120


def copy():
    """What git knows and does not ignore, as it lies here."""
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.rmtree(PROGRAMS, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)


def prepare(targets):
    """The faults of these targets, or all, each with the folder of the program that has it."""
    copy()
    faults = tomllib.loads((FUZZ / "faults.toml").read_text())["fault"]
    faults = [fault for fault in faults if not targets or fault["target"] in targets]
    for number, fault in enumerate(faults):
        path, target = COPY / fault["file"], fault["target"]
        before = path.read_text()
        if before.count(fault["from"]) != 1:
            fail(f"{fault['name']}: its text stands {before.count(fault['from'])} times in {fault['file']}; correct fuzz/faults.toml")
        path.write_text(before.replace(fault["from"], fault["to"]))
        # A build folder of its own: what is built here must not lie where the tree's own programs do.
        built = build(COUNTERS, WORK / "faults" / "build", COPY / "fuzz" / "Cargo.toml", [target])
        path.write_text(before)
        if built is None:
            fail(f"{fault['name']}: the copy does not build with it; correct fuzz/faults.toml")
        fault["program"] = PROGRAMS / str(number)
        fault["program"].mkdir(parents=True)
        shutil.copy2(built / target, fault["program"] / target)
    return faults


def find(fault):
    """Fuzzes until it is found, two minutes at the most, from those seeds that do not show it themselves."""
    program, target, folder = fault["program"], fault["target"], COPY.parent / "begin-with"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    seeds = sorted((FUZZ / "seeds" / target).iterdir())
    shows = [seed for seed in seeds if run.replay(program, target, [seed])]
    for seed in set(seeds) - set(shows):
        shutil.copy2(seed, folder)
    return len(shows), run.fuzz_from(program, target, LONGEST, [folder])


def all_of(faults):
    """Every fault; a row for each."""
    os.environ["RUST_BACKTRACE"] = "0"
    found = []
    for fault in faults:
        shows, result = find(fault)
        crash = result.get("crash")
        row = {"target": fault["target"], "fault": fault["name"], "seeds": shows, "found": crash is not None, "seconds": result["seconds"],
               "executions": result["executions"], "by": crash and crash["message"]}
        found.append(row)
        how = f"{row['seconds']} s, {row['executions']:,} executions" if crash else f"NOT FOUND in {LONGEST} s"
        print(f"  {row['target']:<18} {row['fault']}: {how}; {shows} seeds show it", flush=True)
        if crash:
            print(f"  {'':<18} {row['by'][:150]}", flush=True)
    return found
