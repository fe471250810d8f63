"""The figures of docs/scaling.md, from the slopes that the benchmarks of one full run measured."""

import math
import sys

import page
import targets

TARGET = sys.argv[1]
guards, load = targets.read(TARGET, "guards"), targets.read(TARGET, "load-sealed")
DAY = 86_400
# Users do not sign in evenly over the day, and bots come on top.
PEAK = 5
# Ten minutes to sign in, and three times the clock difference of a minute: how long a mark is kept.
KEPT = 600 + 3 * 60
# A core that is always busy responds late.
BUSY = 0.5

core_us = load["processor_us"]
redis = next(row for row in guards["redis"] if row["name"] == "RedisGuard" and row["tasks"] == 64)
postgres = next(row for row in guards["postgres"] if row["name"].startswith("PostgresGuard") and row["tasks"] == 64)
redis_bytes, memory_bytes = guards["logins"]["bytes_mark"], guards["memory"]["worst"]


def number(value):
    """A forecast has two significant digits."""
    digits = max(0, 1 - math.floor(math.log10(value))) if 0 < value < 1 else 0
    return f"{value:,.{digits}f}"


def row(logins):
    average, peak = logins / DAY, PEAK * logins / DAY
    cores = peak * core_us / 1e6 / BUSY
    marks = peak * KEPT
    shards = math.ceil(peak / (redis["calls_per_second"] * BUSY))
    postgres_shards = math.ceil(peak / (postgres["calls_per_second"] * BUSY))
    return (
        f"| {logins:,} | {number(average)} | {number(peak)} | {number(max(cores, 0.01))} | {number(marks)} | {number(marks * memory_bytes / 1e6)} MB | "
        f"{number(marks * redis_bytes / 1e6)} MB | {shards} | {postgres_shards} |"
    )


lines = [
    "| logins per day | per second | at the peak | cores for login start and callback | marks held | in `SingleProcessGuard` | in Redis | Redis servers | Postgres servers |",
    "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    *(row(10**power) for power in range(5, 10)),
]
page.write(
    "docs/scaling.md",
    "\n".join(lines)
    + f"""

Measured on this machine: {core_us:.0f} µs of processor time for a login with its two requests,
including HTTP and a new connection for each; {redis['calls_per_second']:,.0f} marks per second in one Redis
and {postgres['calls_per_second']:,.0f} in one Postgres, whose callers share the machine's cores with them;
{redis_bytes} bytes per mark in Redis, and at worst {memory_bytes:.0f} in `SingleProcessGuard`.
""",
)
