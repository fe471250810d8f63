"""Builds the targets with the stable compiler, whose LLVM can also instrument for libFuzzer."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
FUZZ = ROOT / "fuzz"
WORK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "fuzz"
TARGETS = [target["name"] for target in tomllib.loads((FUZZ / "Cargo.toml").read_text())["bin"]]

# The flags of `cargo fuzz` for rustc, without the address sanitizer, which needs the nightly compiler and finds nothing in code
# without `unsafe`.
COUNTERS = ["-Cpasses=sancov-module"] + [
    f"-Cllvm-args=-sanitizer-coverage-{what}" for what in ("level=4", "inline-8bit-counters", "pc-table", "trace-compares")
]


def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)


def need(command, package):
    """Installs a package if its command is missing."""
    if shutil.which(command):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        fail(f"missing: {command}. Install the package {package} and try again.")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], check=True)


def rustc():
    """The compiler's version, the host and LLVM's major version."""
    try:
        text = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True, cwd=FUZZ).stdout
    except FileNotFoundError:
        fail("missing: rustc. Install Rust 1.88 or later (https://rustup.rs); the stable toolchain is enough.")
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return text.splitlines()[0], facts["host"], facts["LLVM version"].split(".")[0]


def build(flags, folder, manifest=FUZZ / "Cargo.toml", targets=()):
    """Builds the named targets, or all; returns their folder, or None if they do not build."""
    need("c++", "g++")
    host = rustc()[1]
    environment = {**os.environ, "RUSTFLAGS": " ".join(["--cfg", "fuzzing", *flags]), "CARGO_TARGET_DIR": str(folder)}
    chosen = [argument for target in targets for argument in ("--bin", target)] or ["--bins"]
    # With `--target`, the flags do not apply to build scripts and procedural macros.
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", str(manifest), "--target", host, *chosen]
    built = subprocess.run(command, env=environment).returncode == 0
    return folder / host / "release" if built else None


def build_targets(targets=(), flags=COUNTERS, folder=WORK / "build"):
    return build(flags, folder, targets=targets) or fail(
        "the targets do not build. Where a crate could not be fetched, run `cargo fetch --manifest-path fuzz/Cargo.toml` with a network."
    )


def inputs(target):
    """The committed inputs of a target: seeds, and inputs that crashed once."""
    folders = [FUZZ / "seeds" / target, FUZZ / "regressions" / target]
    return [folder for folder in folders if folder.is_dir()]


def corpus(target):
    """The inputs found on this machine; they are not committed."""
    folder = WORK / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder
