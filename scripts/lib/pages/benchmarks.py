"""The page docs/benchmarks.md and its plots, from the results of all benchmarks of one full run."""

import pathlib
import platform
import sys

import matplotlib

import routes
import targets

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "oauth-state"
import matplotlib.pyplot as plt  # noqa: E402, after the choice of what it draws with

TARGET = sys.argv[1]
floor, memory, peers = (targets.read(TARGET, name) for name in ["floor", "memory", "peers"])
allocations = {row["name"]: row for row in targets.read(TARGET, "peers-allocations")}
loads = {name: targets.read(TARGET, f"load-{name}") for name in ["sealed", "sealed-alone", "memory", "redis", "postgres", "sealed-100000"]}
floods = {name: targets.read(TARGET, f"flood-{name}") for name in ["sealed", "memory"]}
tokens = peers["tokens"]


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")]
    kilobytes = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    return f"{len(names)} processors{' of ' + names[0] if names else ''}, {kilobytes / 1e6:.0f} GB, {platform.system()} {platform.release().split('-')[0]}"


def save(figure, name):
    figure.tight_layout()
    figure.savefig(f"docs/{name}.svg", metadata={"Date": None})


def plot_peers():
    names = [row["name"] for row in tokens]
    figure, axes = plt.subplots(figsize=(8.2, 5.4))
    places = range(len(names))
    axes.barh([place + 0.2 for place in places], [row["begin"]["ratio"] for row in tokens], 0.38, label="begin")
    axes.barh([place - 0.2 for place in places], [row["finish"]["ratio"] for row in tokens], 0.38, label="finish")
    axes.set_yticks(list(places), names, fontsize=9)
    axes.invert_yaxis()
    axes.set_xscale("log", base=2)
    ticks = [1, 2, 4, 8, 16]
    axes.set_xticks(ticks, ticks)
    axes.axvline(1, color="gray", linewidth=1)
    axes.set_xlabel("time, relative to this crate (logarithmic)")
    axes.set_title("The same login in each kind of token", fontsize=11)
    axes.grid(True, axis="x", alpha=0.3)
    axes.legend(fontsize=9)
    save(figure, "benchmarks-peers")


def plot_characters():
    rows = sorted(tokens, key=lambda row: row["characters"])
    figure, axes = plt.subplots(figsize=(8.2, 4.4))
    colors = ["#1f77b4" if row["name"] == "oauth-state" else "#bbbbbb" for row in rows]
    bars = axes.barh([row["name"] for row in rows], [row["characters"] for row in rows], color=colors)
    axes.bar_label(bars, padding=3, fontsize=9)
    axes.axvline(500, linestyle=":", color="gray")
    axes.set_xlim(0, 620)
    axes.text(508, 0.15, "limit of X", fontsize=9, color="gray")
    axes.invert_yaxis()
    axes.set_title("Characters of the same login", fontsize=11)
    save(figure, "benchmarks-characters")


def plot_flood():
    figure, axes = plt.subplots(figsize=(8.2, 3.8))
    for name, run in floods.items():
        # Once a server has warmed up.
        moments = run["moments"][1:]
        first = moments[0][1]
        axes.plot([seconds for seconds, _, _ in moments], [(held - first) / 1e6 for _, held, _ in moments], marker=".", label=name)
    axes.set_xlabel("seconds of bots that start logins and never return")
    axes.set_ylabel("growth of the server's memory (MB)")
    axes.set_title("A flood of login starts", fontsize=11)
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=9)
    save(figure, "benchmarks-flood")


def ratio(row):
    return f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"


def floor_table():
    lines = ["| login | `begin` / floor | `finish` / floor | characters |", "|---|---:|---:|---:|"]
    for shape in ["least", "usual"]:
        sides = floor["login"][shape]
        lines.append(f"| {targets.NAMES[shape]} | {ratio(sides['begin'][1])} | {ratio(sides['finish'][1])} | {sides['characters']} |")
    return "\n".join(lines)


def floors_table():
    sides = peers["floors"]
    lines = ["| the usual login | `begin` | `finish` |", "|---|---:|---:|"]
    for begin, finish in zip(sides["begin"], sides["finish"]):
        lines.append(f"| {begin['name']} | {begin['ratio']:.2f} | {finish['ratio']:.2f} |")
    return "\n".join(lines)


def tokens_table():
    lines = ["| token | `begin` | `finish` | characters | allocations, `begin` + `finish` |", "|---|---:|---:|---:|---:|"]
    for row in tokens:
        count = allocations[row["name"]]
        lines.append(
            f"| {row['name']} | {row['begin']['ratio']:.2f} | {row['finish']['ratio']:.2f} | {row['characters']} | {count['begin']} + {count['finish']} |"
        )
    return "\n".join(lines)


def stores_table():
    first = peers["stores"][0]
    lines = ["| store | `begin` | `finish` and guard | round trips | bytes held per login in flight |", "|---|---:|---:|---:|---:|"]
    for row in peers["stores"]:
        trips = " + ".join(str(trip) for trip in row["round_trips"])
        held = f"{row['held']:.0f}" if row["held"] else "0"
        lines.append(f"| {row['name']} | {row['begin'] / first['begin']:.1f} | {row['finish'] / first['finish']:.1f} | {trips} | {held} |")
    return "\n".join(lines)


def load_table():
    lines = [
        "| store | guard | in flight | kills | in flight on a killed server | lost | failed | success | processor time per login | callback p99 / p50 |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = loads["sealed"]["processor_us"]
    for run in loads.values():
        guard = "Redis" if run["store"] in ("redis",) or run["guard"] == "redis" else "Postgres" if run["store"] == "postgres" else "each server's own"
        p50, _, p99 = run["callback_ms"]
        lines.append(
            f"| {run['store']} | {guard} | {run['flows']:,} | {run['kills']} | {run['in_flight_on_killed']} | {run['lost']} | {run['failed']} | {100 * run['success']:.2f} % | "
            f"{run['processor_us'] / first:.2f} | {p99 / p50:.1f} |"
        )
    return "\n".join(lines)


def flood_table():
    lines = ["| store | abandoned login starts | server memory growth after the first two seconds | users who signed in meanwhile |", "|---|---:|---:|---:|"]
    for name, run in floods.items():
        grown = (run["moments"][-1][1] - run["moments"][1][1]) / 1e6
        lines.append(f"| {name} | {run['robots']:,} | {grown:.1f} MB | {100 * run['success']:.2f} % of {run['flows']:,} |")
    return "\n".join(lines)


def allocations_table():
    lines = ["| login | `begin`: strings returned, allocations | `finish`: the same | refusing a forged state, beyond its callback |", "|---|---:|---:|---:|"]
    for row in memory["allocations"]:
        lines.append(f"| {targets.NAMES.get(row['shape'], row['shape'])} | {row['begin_strings']}, {row['begin']} | {row['finish_strings']}, {row['finish']} | {row['forged']} |")
    return "\n".join(lines)


plot_peers()
plot_characters()
plot_flood()
threads, flood = floor["threads"], memory["flood"]
page = pathlib.Path("docs/benchmarks.md")
start, end = "<!-- bench -->\n", "<!-- /bench -->"
before, rest = page.read_text().split(start)
after = rest.split(end)[1]
page.write_text(
    f"""{before}{start}Measured on {machine()}.
Time is processor time of one thread unless a table says otherwise.

## Targets

{targets.markdown(TARGET)}

## Compared with the floor

The floor is the same work written directly with the same libraries, without types, configuration
and errors. The figures are medians of the ratios of single turns, with their quartiles:

{floor_table()}

With the fastest published library for each step (this crate is 1.00; lower is faster):

{floors_table()}

## Compared with other tokens

The usual login: provider, redirect, return path, tenant, code_verifier, nonce, the session's hash,
an expiry. Times are relative to this crate:

{tokens_table()}

![Time of begin and finish for each peer, relative to this crate](benchmarks-peers.svg)

![Characters of the same login](benchmarks-characters.svg)

## Compared with server-side stores

One login after the other, in wall-clock time relative to the first row. A sealed state needs no
round trip at the login start; its only one is the guard's, at the callback.

{stores_table()}

## Through the routes

{routes.markdown(TARGET)}

## Memory

{allocations_table()}

{flood['begun']:,} logins started and never completed leave {flood['bytes_held']:+,} bytes in this process; the peak was {flood['bytes_most']:,}.

## Two threads

`begin` and `finish` on two threads compared with one: {threads['logins']:.2f}. On this machine, a loop of
multiplications, which shares nothing, reaches {threads['arithmetic']:.2f}, and a loop of SHA-256 {threads['hashing']:.2f}. Relative to those,
logins reach {threads['beside_arithmetic']:.2f} and {threads['beside_hashing']:.2f}.

## Under load

`cargo run --release --example load`: all logins are started, and are in flight before the first
callback arrives. There are three servers, and one is killed every two seconds. A callback in
progress on the killed server is counted separately, and its time counts from when it was due. Where each
server has its own guard, only the server that saw a state refuses it the second time. The callbacks
of the last row arrive over forty seconds, the others over ten.

{load_table()}

One server, for thirty seconds: bots start logins and never return, while users sign in.

{flood_table()}

![Memory of the server under a flood of login starts](benchmarks-flood.svg)
{end}{after}"""
)
