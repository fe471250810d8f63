"""The page docs/benchmarks.md and its plots, from what all benchmarks of one full run wrote."""

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
    axes.set_xlabel("time, beside this crate's (logarithmic)")
    axes.set_title("One login, as each would carry it", fontsize=11)
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
    axes.text(508, 0.15, "what X takes", fontsize=9, color="gray")
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
    axes.set_xlabel("seconds of robots that begin and never come back")
    axes.set_ylabel("memory of the server, grown by (MB)")
    axes.set_title("A flood of begins", fontsize=11)
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=9)
    save(figure, "benchmarks-flood")


def ratio(row):
    return f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"


def floor_table():
    lines = ["| login | begin / floor | finish / floor | characters |", "|---|---:|---:|---:|"]
    for shape in ["least", "usual"]:
        sides = floor["login"][shape]
        lines.append(f"| {shape} | {ratio(sides['begin'][1])} | {ratio(sides['finish'][1])} | {sides['characters']} |")
    return "\n".join(lines)


def floors_table():
    sides = peers["floors"]
    lines = ["| the usual login | begin | finish |", "|---|---:|---:|"]
    for begin, finish in zip(sides["begin"], sides["finish"]):
        lines.append(f"| {begin['name']} | {begin['ratio']:.2f} | {finish['ratio']:.2f} |")
    return "\n".join(lines)


def tokens_table():
    lines = ["| carried in | begin | finish | characters | allocations, begin and finish |", "|---|---:|---:|---:|---:|"]
    for row in tokens:
        count = allocations[row["name"]]
        lines.append(
            f"| {row['name']} | {row['begin']['ratio']:.2f} | {row['finish']['ratio']:.2f} | {row['characters']} | {count['begin']} + {count['finish']} |"
        )
    return "\n".join(lines)


def stores_table():
    first = peers["stores"][0]
    lines = ["| kept in | begin | finish and guard | round trips | bytes held for a login in flight |", "|---|---:|---:|---:|---:|"]
    for row in peers["stores"]:
        trips = " + ".join(str(trip) for trip in row["round_trips"])
        held = f"{row['held']:.0f}" if row["held"] else "0"
        lines.append(f"| {row['name']} | {row['begin'] / first['begin']:.1f} | {row['finish'] / first['finish']:.1f} | {trips} | {held} |")
    return "\n".join(lines)


def load_table():
    lines = [
        "| store | guard | in flight | kills | in flight on a killed server | lost | failed | success | processor a login | callback p99 / p50 |",
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
    lines = ["| store | begins that never came back | the server grew by, after two seconds | people who signed in meanwhile |", "|---|---:|---:|---:|"]
    for name, run in floods.items():
        grown = (run["moments"][-1][1] - run["moments"][1][1]) / 1e6
        lines.append(f"| {name} | {run['robots']:,} | {grown:.1f} MB | {100 * run['success']:.2f} % of {run['flows']:,} |")
    return "\n".join(lines)


def allocations_table():
    lines = ["| login | begin: strings returned, allocations | finish | refusing a forged state, beyond its callback |", "|---|---:|---:|---:|"]
    for row in memory["allocations"]:
        lines.append(f"| {row['shape']} | {row['begin_strings']}, {row['begin']} | {row['finish_strings']}, {row['finish']} | {row['forged']} |")
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
    f"""{before}{start}Measured on {machine()}. Time is processor time of one thread unless a table says otherwise.

## Targets

{targets.markdown(TARGET)}

## Beside the floor

The same work written straight down with the same libraries, without types, configuration and errors. Medians of the ratios of single turns, and the quarters
around them:

{floor_table()}

And beside the fastest published library for each step (this crate is 1.00; below it is faster):

{floors_table()}

## Beside what people carry a login in

The usual login: provider, redirect, return path, tenant, code_verifier, nonce, the session's hash, an expiry. Time beside this crate's:

{tokens_table()}

![Time of begin and finish, each peer beside this crate](benchmarks-peers.svg)

![Characters of the same login](benchmarks-characters.svg)

## Beside what people keep a login in

One login after the other, by the clock, beside the first row. A sealed state waits for nothing at begin; its one round trip is the guard's at the callback.

{stores_table()}

## Through the routes

{routes.markdown(TARGET)}

## Memory

{allocations_table()}

{flood['begun']:,} logins begun and never finished leave {flood['bytes_held']:+,} bytes in this process, and took {flood['bytes_most']:,} at the most.

## Two threads

Begin and finish with two threads beside one: {threads['logins']:.2f}. On this machine a loop of multiplications, which shares nothing, has {threads['arithmetic']:.2f}, and one of
SHA-256 {threads['hashing']:.2f}; logins beside them {threads['beside_arithmetic']:.2f} and {threads['beside_hashing']:.2f}.

## Under load

`cargo run --release --example load`: every login is begun, and all are in flight before the first comes back; three servers, one killed every two seconds. A callback
that was under way on the killed server is counted apart, and its time begins when it was due. Where every server has a guard of its own, a used state is refused by the server that
saw it alone. The last row's callbacks come over forty seconds, the others' over ten.

{load_table()}

Robots that begin and never come back, for thirty seconds, beside people who sign in, on one server:

{flood_table()}

![Memory of the server under a flood of begins](benchmarks-flood.svg)
{end}{after}"""
)
