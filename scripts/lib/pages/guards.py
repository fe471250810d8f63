"""The tables and the two plots of docs/guards.md, from the results of the benchmark `guards`."""

import json
import pathlib
import platform
import sys

import matplotlib

import page

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "oauth-state"
import matplotlib.pyplot as plt  # noqa: E402, after the choice of what it draws with

report = json.loads((pathlib.Path(sys.argv[1]) / "bench" / "guards.json").read_text())


def machine():
    names = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} cores of {names[0]}, {platform.system()}"


def ratios(rows):
    """One line for each number of tasks, two columns for each contender but the first."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    first, others = names[0], names[1:]
    head = "| tasks |" + "".join(f" `{name}`: calls | latency |" for name in others)
    lines = [head, "|---:|" + "---:|---:|" * len(others)]
    for tasks in dict.fromkeys(row["tasks"] for row in rows):
        cells = [next(row for row in rows if row["tasks"] == tasks and row["name"] == name) for name in others]
        lines.append(f"| {tasks} |" + "".join(f" {cell['throughput_ratio']:.2f} | {cell['latency_ratio']:.2f} |" for cell in cells))
    return first, "\n".join(lines)


def plot(name, title, draw):
    figure, axes = plt.subplots(figsize=(8.2, 3.8))
    draw(axes)
    axes.set_title(title, fontsize=11)
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    figure.savefig(f"docs/{name}.svg", metadata={"Date": None})


def throughput(axes):
    for part in ["redis", "postgres"]:
        for name in dict.fromkeys(row["name"] for row in report[part]):
            rows = [row for row in report[part] if row["name"] == name]
            style = "--" if name in ("SET NX PX", "SET NX GET PX", "prepared INSERT") else "-"
            axes.plot([row["tasks"] for row in rows], [row["calls_per_second"] for row in rows], style, marker="o", label=name.replace("synchronous", "PostgresGuard,\nsynchronous").replace("behind", "PostgresGuard,\nbehind"))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks([1, 16, 64, 256], [1, 16, 64, 256])
    axes.set_xlabel("concurrent tasks")
    axes.set_ylabel("claims per second")


def memory(axes):
    sweep = report["memory"]["sweep"]
    axes.plot([marks for marks, _ in sweep], [size for _, size in sweep], label="SingleProcessGuard")
    axes.axhline(22, linestyle=":", color="gray", label="a slot: 22 bytes")
    axes.set_xscale("log")
    axes.set_ylim(0, 50)
    axes.set_xlabel("live marks")
    axes.set_ylabel("bytes per mark, including all slack")


plot("guards-throughput", "Claims per second, compared with the bare commands (one machine, loopback)", throughput)
plot("guards-memory", "Memory of SingleProcessGuard, by a counting allocator", memory)

redis_first, redis_table = ratios(report["redis"])
postgres_first, postgres_table = ratios(report["postgres"])
cluster = report["cluster"]
overload = "\n".join(f"| {row['times']:g} | {row['ratio']:.2f} |" for row in report["overload"])
held, logins = report["memory"], report["logins"]
times = "\n".join(f"| {time['marks']:,} | {time['warm']:.0f} | {time['cold']:.0f} |" for time in held["times"])
page.write(
    "docs/guards.md",
    f"""Measured on {machine()}; servers and callers share its cores.

**Redis 7.0**, compared with a bare `{redis_first}` through the same client:

{redis_table}

`SET NX GET PX` returns the old value in the same command. It is measured without a guard around it:
see [decisions.md][decisions].

**Postgres 15**, 4 connections, compared with a bare `{postgres_first}` pipelined over as many:

{postgres_table}

Plot: [claims per second by concurrent tasks][throughput].

**A cluster with a dead primary**: in the seconds after one of three primaries is killed, the other two
answer {cluster['ratio']:.2f} of the claims of their slots that they answered before, by 64 callers who wait
for each answer, also for those of the dead one. Of these claims, {cluster['refused'] * 100:.2f} % are refused.

**More load than a process can take**, over one Redis: how many claims are answered, compared with the
most at any load. The same process makes the load, and takes its share of the cores for it.

| load, compared with the most that it can take | answered, compared with the most |
|---:|---:|
{overload}

**Logins through one Redis**, {logins['tasks']} at once, with whole states stored and with marks:

| | logins, ratio | bytes in Redis during a login | bytes after it |
|---|---:|---:|---:|
| `SETEX` at the login start, `GETDEL` at the callback | 1.00 | {logins['bytes_waiting']} | 0 |
| sealed state, a mark at the callback | {logins['ratio']:.2f} | 0 | {logins['bytes_mark']} |

**`SingleProcessGuard`** takes {held['average']:.1f} bytes per mark on average and {held['worst']:.1f} at the worst fill, from ten
thousand marks up. The table has the nanoseconds to claim a new id, including growth of the tables:
warm, one claim after the other; cold, with all caches emptied before every 16 claims.

| live marks | warm | cold |
|---:|---:|---:|
{times}
| last row / first row | {held['warm_ratio']:.2f} | {held['cold_ratio']:.2f} |

Plot: [bytes per mark by live marks][memory].
""",
)
