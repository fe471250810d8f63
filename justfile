# The recipes that continuous integration runs; each can be run alone. `just --list` shows them.

# Everything that must pass before a change lands.
default: test

# All groups of tests, or the ones that are named: `just test unit docs`.
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

# Everything that is measured, into docs/benchmarks.md; `just bench --quick` prints the targets alone.
bench *parts:
    scripts/bench {{parts}}

# Logins in flight over servers that are killed; `just load --help` shows what it takes.
load *arguments:
    cargo run --release --example load -- {{arguments}}

# Each security check taken out of a copy of the tree: a test must fail for it.
without-checks *names:
    scripts/without-checks {{names}}

# Every change to the code that a tool can think of: a test must fail for it. An hour; goes on where it stopped.
mutants *arguments:
    scripts/mutants {{arguments}}

# Every fuzz target for so many minutes.
fuzz *arguments:
    scripts/fuzz {{arguments}}

# The model of the protocol, to its end.
model *arguments:
    scripts/model {{arguments}}

# What SECURITY.md names, and the figures that it shows.
evidence *arguments:
    scripts/evidence {{arguments}}

# The documentation as docs.rs shows it.
docs:
    cargo doc --no-deps --all-features --open

# Format everything.
format:
    cargo fmt --all
