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
login:
    cargo run --release --example login

# The same without a browser; prints each step.
login-once:
    cargo run --release --example login -- --once

# Begin and finish beside the same work written straight down; writes the ratios into the README.
bench:
    scripts/bench

# The documentation as docs.rs shows it.
docs:
    cargo doc --no-deps --all-features --open

# Format everything.
format:
    cargo fmt --all
