"""Measures which lines of the parsers the committed inputs reach. Inputs found on this machine are excluded, so that a fresh clone has the
same figures."""

import os
import pathlib
import shutil
import subprocess

from build import ROOT, TARGETS, WORK, build_targets, fail, inputs, rustc

# Files that read untrusted input, and the share of their lines that must be reached.
FILES = {
    "src/claims/codec.rs": 95,
    "src/token/wire.rs": 95,
    "src/base64url.rs": 0,
    "src/callback.rs": 0,
    "src/claims/return_to.rs": 0,
    "src/cookie.rs": 0,
    "src/open.rs": 0,
    "src/guard/single_process/bucket.rs": 0,
    "src/ring/source/document/check.rs": 0,
    "src/ring/source/document/revocations.rs": 0,
    "src/ring/source/document/walk.rs": 0,
    "src/ring/source/document/written.rs": 0,
}


def tool(name):
    """A tool of the compiler's LLVM version; older tools cannot read its files."""
    _, host, major = rustc()
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    bundled = pathlib.Path(sysroot) / "lib" / "rustlib" / host / "bin" / name
    if bundled.exists():
        return str(bundled)
    for candidate in (f"{name}-{major}", f"/usr/lib/llvm-{major}/bin/{name}"):
        if found := shutil.which(candidate):
            return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", f"llvm-{major}"], check=False)
        if found := shutil.which(f"{name}-{major}"):
            return found
    fail(f"missing: {name} of LLVM {major}. `rustup component add llvm-tools`, or install the package llvm-{major}, and try again.")


def measure():
    """Runs every input once, and returns for each file the number of lines, the reached lines and the missed lines."""
    profdata, cov = tool("llvm-profdata"), tool("llvm-cov")
    program = build_targets(flags=["-Cinstrument-coverage"], folder=WORK / "coverage")
    profiles = WORK / "coverage" / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    for target in TARGETS:
        files = sorted(file for folder in inputs(target) for file in folder.iterdir())
        for start in range(0, len(files), 500):
            environment = {**os.environ, "LLVM_PROFILE_FILE": str(profiles / f"{target}-{start}.profraw")}
            command = [program / target, *files[start : start + 500]]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
            if ran.returncode != 0:
                fail(f"{target} crashes on one of its inputs; `scripts/fuzz 0 {target}` shows which")
        print(f"  {target:<18} {len(files):>6,} inputs", flush=True)
    merged = WORK / "coverage" / "all.profdata"
    subprocess.run([profdata, "merge", "-sparse", "-o", merged, *profiles.glob("*.profraw")], check=True)
    objects = [argument for target in TARGETS[1:] for argument in ("-object", program / target)]
    command = [cov, "export", "-format=lcov", f"-instr-profile={merged}", program / TARGETS[0], *objects]
    return read(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def read(report):
    """Parses a report in lcov's format: a line with the file, then one line for each of its lines with its count."""
    counts = {}
    for line in report.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            counts[name := os.path.relpath(rest, ROOT)] = {}
        elif kind == "DA":
            number, times = rest.split(",")[:2]
            counts[name][int(number)] = int(times)
    lines = {}
    for name in FILES.keys() & counts.keys():
        missed = [number for number, times in counts[name].items() if times == 0]
        lines[name] = {"lines": len(counts[name]), "reached": len(counts[name]) - len(missed), "missed": missed}
    return lines


def percent(counted):
    return 100 * counted["reached"] / counted["lines"]


def tell(lines):
    """Prints a row for each file; returns whether all reach their share."""
    good = True
    for name, least in FILES.items():
        counted = lines.get(name)
        if counted is None:
            print(f"  {name:<40} not compiled into any target")
            good = False
            continue
        enough = percent(counted) >= least
        good = good and enough
        verdict = "" if enough else f"  below {least} %"
        print(f"  {name:<40} {counted['reached']:>4} of {counted['lines']:>4} lines {percent(counted):>6.1f} %{verdict}")
        if counted["missed"] and least:
            print(f"  {'':<40} not reached: {', '.join(map(str, counted['missed']))}")
    return good
