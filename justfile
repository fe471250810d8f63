# The recipes that continuous integration runs; each also runs alone. `just --list` shows them.

# Everything that must pass before a change is merged.
default: test

# All groups of tests, or the named ones: `just test unit docs`.
test *groups:
    scripts/test {{groups}}

# The guards over real servers, every fault on every engine.
guards:
    scripts/test --full guards

# A login over two server processes, in a browser.
demo:
    cargo run --release -p demo

# The same without a browser; prints each step.
demo-once:
    cargo run --release -p demo -- --once

# All benchmarks, into docs/benchmarks.md; `just bench --quick` only prints the targets.
bench *parts:
    scripts/bench {{parts}}

# Logins in flight over servers that are killed; `just load --help` shows the options.
load *arguments:
    cargo run --release --example load -- {{arguments}}

# Removes each security check from a copy of the tree: a test must fail for it.
without-checks *names:
    scripts/without-checks {{names}}

# Changes the code in every way that a tool knows: a test must fail for each change. An hour; resumes where it stopped.
mutants *arguments:
    scripts/mutants {{arguments}}

# Every fuzz target for this many minutes.
fuzz *arguments:
    scripts/fuzz {{arguments}}

# The complete model of the protocol.
model *arguments:
    scripts/model {{arguments}}

# The evidence for SECURITY.md, and its figures.
evidence *arguments:
    scripts/evidence {{arguments}}

# The documentation as on docs.rs.
docs:
    cargo doc --no-deps --all-features --open

# Format everything.
format:
    cargo fmt --all
