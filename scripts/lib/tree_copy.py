"""Copies of this tree to break on purpose, for `scripts/without-checks` and `scripts/mutants`."""

import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the tests of a lean copy need; frameworks and servers are left out, so that a change builds in seconds. `cache` and `metrics` are there
# for their code, which needs no server.
LEAN_FEATURES = '["cache", "metrics", "oauth2", "refresh", "testing"]'
LEAN_PACKAGES = """aes-gcm arc-swap base64 form_urlencoded hmac http metrics metrics-exporter-prometheus oauth2 percent-encoding proptest rand serde serde_json
    serde_urlencoded sha2 sha3 subtle tempfile thiserror time tokio tracing tracing-subscriber url xaes-256-gcm""".split()
# Those of tests/behaviour that a lean copy can build.
LEAN_BEHAVIOUR = (
    "begin_refusals browser_cookies form_post frozen_vectors guard_suite live_keys observers order_of_checks outcomes provider_presets "
    "state_length telemetry"
).split()
# The packages of a lean copy beside the library.
LEAN_MEMBERS = ["crates/store", "tests/support"]


def copy(destination):
    """What git knows or would take, as it lies here."""
    shutil.rmtree(destination, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            # As of now: a run that was killed may have built a changed file, which an older one would not replace.
            shutil.copyfile(ROOT / name, destination / name)
            shutil.copymode(ROOT / name, destination / name)


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
    members = ", ".join(f'"{member}"' for member in LEAN_MEMBERS)
    text = re.sub(r"^members = \[[^\]]*\]$", f"members = [{members}]", manifest.read_text(), flags=re.M)
    text = re.sub(r"^default-members = \[[^\]]*\]$", 'default-members = ["."]', text, flags=re.M)
    text = re.sub(r"^\[\[(?:bin|bench|test)\]\]\n(?:(?!\[).*\n?)*", "", text, flags=re.M)
    before, rest = text.split("[dev-dependencies]\n", 1)
    packages, after = rest.split("\n[", 1)
    lines = [line for line in packages.splitlines() if re.split("[. ]", line)[0] in LEAN_PACKAGES]
    lines = [line for line in lines if not line.startswith("oauth2")] + ["oauth2.workspace = true"]
    lines.append(f'oauth-state = {{ path = ".", features = {LEAN_FEATURES} }}')
    lines += ['oauth-state-store = { path = "crates/store", features = ["testing"] }', 'support = { path = "tests/support" }']
    manifest.write_text(before + "[dev-dependencies]\n" + "\n".join(lines) + "\n\n[" + after)
    behaviour = destination / "tests" / "behaviour" / "main.rs"
    module = r"^(?:#\[.*\]\n)*mod (\w+);\n"
    behaviour.write_text(re.sub(module, lambda found: found[0] if found[1] in LEAN_BEHAVIOUR else "", behaviour.read_text(), flags=re.M))
