"""Runs the targets, and prints their results."""

import concurrent.futures
import os
import re
import subprocess
import threading
import time

from build import FUZZ, ROOT, WORK, corpus, inputs

# A panic is a crash; so is an input that takes ten seconds or exceeds the memory limit.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024"]
STATUS = re.compile(r"^#(\d+)\s.*\bcov: (\d+) ft: (\d+) corp: (\d+)/")
talking = threading.Lock()


def say(text):
    with talking:
        print(text, flush=True)


def shown(path):
    return os.path.relpath(path, ROOT)


def replay(program, target, files):
    """Runs each file once. Returns the file that crashed and the output, or None."""
    for start in range(0, len(files), 500):
        command = [program / target, *LIMITS, f"-artifact_prefix={crashes(target)}/", *files[start : start + 500]]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if ran.returncode != 0:
            running = re.findall(r"^Running: (.*)$", ran.stderr, re.M)
            return (running or ["?"])[-1], ran.stderr
    return None


def crashes(target):
    folder = WORK / "crashes" / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def message(output):
    """The panic message."""
    found = re.search(r"panicked at (.*?)\n((?:(?!note:|stack backtrace|==\d+==).*\n){0,3})", output)
    if found:
        return " ".join(f"{found[1]} {found[2]}".split())
    last = re.search(r"ERROR: libFuzzer: (.*)", output)
    return last[1] if last else "it ended without saying why"


def fuzz(program, target, seconds):
    """Runs one target for this many seconds. The committed inputs run first, file by file, so that a crash has a name."""
    committed = sorted(file for folder in inputs(target) for file in folder.iterdir())
    if crash := replay(program, target, committed):
        return {"seconds": 0, "crash": {"input": shown(crash[0]), "message": message(crash[1])}}
    if seconds == 0:
        return {"seconds": 0, "executions": len(committed)}
    return fuzz_from(program, target, seconds, [corpus(target), *inputs(target)])


def fuzz_from(program, target, seconds, folders):
    """Fuzzes from the inputs in these folders; new inputs go to the first."""
    start = time.monotonic()
    command = [program / target, *LIMITS, f"-max_total_time={seconds}", "-print_final_stats=1", f"-artifact_prefix={crashes(target)}/"]
    dictionary = FUZZ / "dictionaries" / f"{target}.dict"
    command += [f"-dict={dictionary}"] if dictionary.exists() else []
    running = subprocess.Popen([*command, *folders], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               text=True, errors="replace")
    result, tail, told = {"edges": 0, "features": 0, "corpus": 0, "executions": 0}, [], time.monotonic()
    for line in running.stderr:
        # Enough to include the panic, which comes before a long list of recommended words.
        tail = tail[-400:] + [line]
        if status := STATUS.match(line):
            counts = map(int, status.groups())
            result |= zip(("executions", "edges", "features", "corpus"), counts)
        if loaded := re.search(r"Loaded \d+ modules\s+\((\d+) inline", line):
            result["edges_there"] = int(loaded[1])
        if executed := re.match(r"stat::number_of_executed_units: (\d+)", line):
            result["executions"] = int(executed[1])
        if time.monotonic() - told > 30:
            told = time.monotonic()
            say(f"  {target:<18} {result['executions']:>12,} executions so far, {result['edges']} edges, {result['corpus']} inputs")
    code = running.wait()
    result["seconds"] = round(time.monotonic() - start, 1)
    result["executions_per_second"] = int(result["executions"] / max(result["seconds"], 1))
    if code != 0:
        output = "".join(tail)
        written = re.search(r"Test unit written to (.*)", output)
        result["crash"] = {"input": shown(written[1]) if written else "?", "message": message(output)}
    return result


def all_of(program, targets, seconds, jobs):
    """Runs every target, this many at a time; prints a row for each as it ends."""
    say(f"  {'target':<18} {'executions':>12} {'a second':>10} {'edges':>12} {'features':>9} {'inputs':>7}  crashes")
    results = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(fuzz, program, target, seconds): target for target in targets}
        for done in concurrent.futures.as_completed(running):
            target, result = running[done], done.result()
            results[target] = result
            edges = f"{result.get('edges', 0)}/{result.get('edges_there', 0)}"
            say(f"  {target:<18} {result.get('executions', 0):>12,} {result.get('executions_per_second', 0):>10,} {edges:>12} "
                f"{result.get('features', 0):>9,} {result.get('corpus', 0):>7,}  {1 if 'crash' in result else 0}")
    return {target: results[target] for target in targets}


def tell_crash(target, crash):
    say(f"""
{target}: {crash['message']}
  the input       {crash['input']}
  to see it again scripts/fuzz --replay {target} {crash['input']}
  to keep it      scripts/fuzz --keep {target} {crash['input']} NAME
                  It lies in fuzz/regressions/{target}/NAME then, smaller if it can be, and every run begins with it. Name the fault, not
                  the input. If another implementation could have the same fault, also write a vector (tests/vectors/README.md).""")
