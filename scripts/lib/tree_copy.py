"""Copies of this tree: to break on purpose, for `scripts/without-checks` and `scripts/mutants`, and to build with the oldest Rust, for `scripts/test msrv`."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The features and packages that the tests of a lean copy need, without frameworks and servers, so that a change builds in seconds. `cache` and
# `metrics` are included for their code, which needs no server.
LEAN_FEATURES = '["cache", "metrics", "oauth2", "refresh", "testing"]'
LEAN_PACKAGES = """aes-gcm arc-swap base64 form_urlencoded hmac http metrics metrics-exporter-prometheus oauth2 percent-encoding proptest rand serde serde_json
    serde_urlencoded sha2 sha3 subtle tempfile thiserror time tokio tracing tracing-subscriber url xaes-256-gcm""".split()
# The files of tests/behaviour that a lean copy can build.
LEAN_BEHAVIOUR = (
    "begin_refusals browser_cookies callbacks form_post frozen_vectors guard_suite live_keys observers order_of_checks outcomes provider_presets "
    "state_length telemetry"
).split()
# The packages of a lean copy besides the library.
LEAN_MEMBERS = ["crates/store", "tests/support"]
# Additional dependencies of the unit tests in `src/`.
UNIT_TEST_PACKAGES = "proptest sha3 tempfile tokio url xaes-256-gcm".split()


def copy(destination):
    """Copies every tracked or untracked file that git does not ignore."""
    shutil.rmtree(destination, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            # With the current time: a killed run may have built a changed file, which cargo would not rebuild for an older one.
            shutil.copyfile(ROOT / name, destination / name)
            shutil.copymode(ROOT / name, destination / name)


def reduced(manifest, members, packages):
    """The root manifest with these members and no tests or benchmarks by name: its text up to the development dependencies, those of them that
    are in `packages`, and its text after them."""
    named = ", ".join(f'"{member}"' for member in members)
    text = re.sub(r"^members = \[[^\]]*\]$", f"members = [{named}]", manifest, flags=re.M)
    text = re.sub(r"^default-members = \[[^\]]*\]$", 'default-members = ["."]', text, flags=re.M)
    text = re.sub(r"^\[\[(?:bin|bench|test)\]\]\n(?:(?!\[).*\n?)*", "", text, flags=re.M)
    before, rest = text.split("[dev-dependencies]\n", 1)
    lines, after = rest.split("\n[", 1)
    return before, [line for line in lines.splitlines() if re.split("[. ]", line)[0] in packages], after


def lean_copy(destination):
    """The library with its own tests, `tests/attacks` and the part of `tests/behaviour` that needs no framework."""
    copy(destination)
    for folder in ["benches", "examples", "fuzz", "sources", *(str(other.relative_to(destination)) for other in (destination / "crates").iterdir())]:
        if folder not in LEAN_MEMBERS:
            shutil.rmtree(destination / folder, ignore_errors=True)
    kept = {"attacks", "behaviour", "support", "vectors"}
    for entry in (destination / "tests").iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    manifest = destination / "Cargo.toml"
    before, lines, after = reduced(manifest.read_text(), LEAN_MEMBERS, LEAN_PACKAGES)
    lines = [line for line in lines if not line.startswith("oauth2")] + ["oauth2.workspace = true"]
    lines.append(f'oauth-state = {{ path = ".", features = {LEAN_FEATURES} }}')
    lines += ['oauth-state-store = { path = "crates/store", features = ["testing"] }', 'support = { path = "tests/support" }']
    manifest.write_text(before + "[dev-dependencies]\n" + "\n".join(lines) + "\n\n[" + after)
    behaviour = destination / "tests" / "behaviour" / "main.rs"
    module = r"^(?:#\[.*\]\n)*mod (\w+);\n"
    behaviour.write_text(re.sub(module, lambda found: found[0] if found[1] in LEAN_BEHAVIOUR else "", behaviour.read_text(), flags=re.M))


def oldest_rust_copy(destination, with_packages):
    """The library with its unit tests and, if asked, each package in `crates/` that names the same oldest Rust. The unit tests then depend on
    those packages, with all features, so that one build has everything."""
    copy(destination)
    for folder in ("benches", "examples", "fuzz", "sources"):
        shutil.rmtree(destination / folder, ignore_errors=True)
    manifest = destination / "Cargo.toml"
    oldest = tomllib.loads(manifest.read_text())["package"]["rust-version"]
    members = {}
    for other in sorted((destination / "crates").glob("*/Cargo.toml")):
        text = other.read_text()
        read = tomllib.loads(text)
        if with_packages and read["package"]["rust-version"] == oldest:
            features = json.dumps([name for name in read.get("features", {}) if name != "default"])
            folder = str(other.parent.relative_to(destination))
            members[folder] = f'{read["package"]["name"]} = {{ path = "{folder}", features = {features} }}'
            other.write_text(re.sub(r"^\[dev-dependencies\]\n(?:(?!\[).*\n)*", "", text, flags=re.M))
        else:
            shutil.rmtree(other.parent)
    before, lines, after = reduced(manifest.read_text(), members, UNIT_TEST_PACKAGES)
    manifest.write_text(before + "[dev-dependencies]\n" + "\n".join([*lines, *members.values()]) + "\n\n[" + after)
    # Versions are selected again: those in the lock file may need a newer Rust.
    (destination / "Cargo.lock").unlink()


if __name__ == "__main__":
    oldest_rust_copy(pathlib.Path(sys.argv[1]), with_packages="--packages" in sys.argv)
