"""The section "Through the routes" of docs/benchmarks.md. Alone, it prints the section: `routes.py TARGET`."""

import sys

import targets


def compared(measured, digits=0, unit=""):
    """A ratio, and the absolute value next to it."""
    return f"{measured['ratio']:.2f} ({measured['value']:,.{digits}f}{unit})"


def table(title, rows, side):
    lines = [f"| {title} | requests per second | p50 | p99 | processor time | Redis |", "|---|---:|---:|---:|---:|---:|"]
    for row in rows:
        own = row[side]
        # Without a login in Redis, the server sends it nothing but the question for its processor time.
        redis = f"{own['redis_us']:.1f} µs" if own["redis_us"] > 0.5 else "none"
        lines.append(
            f"| {row['label']} | {compared(own['per_second'])} | {own['p50_us']['value']:.0f} µs | {own['p99_us']['value']:.0f} µs | "
            f"{compared(own['processor_us'], 1, ' µs')} | {redis} |"
        )
    return "\n".join(lines)


def places(cores):
    if not cores["pinned"]:
        return "No process was pinned to a processor."
    shared = "share another" if cores["redis"] == cores["load"] else "have one each"
    return f"The server had one processor; the load and Redis {shared}."


def note(rows):
    """A warning, if something else used the server's processor. A server that waits for Redis may be idle."""
    busy = min(row[side]["busy"] for row in rows if row["name"] in ("redirect", "sealed") for side in ("start", "callback"))
    if busy >= 0.9:
        return ""
    return f"\n\nThe server got only {100 * busy:.0f} % of its processor in this run: compare processor times, not requests per second and latencies."


def markdown(target):
    measured = targets.read(target, "end_to_end")
    rows = measured["contenders"]
    return f"""Login start and callback over HTTP with the axum routes, on one thread, compared with handlers that
only redirect (1.00). {measured['connections']} connections stay open, and each always has a request in flight, so a
latency includes the time in which the server works on other requests. Processor time is the server's per
request; the last column is what Redis adds. Ratios are medians of single turns, so they need not
equal the quotients of the figures in parentheses.
{places(measured['cores'])}{note(rows)}

{table('login start', rows, 'start')}

{table('callback', rows, 'callback')}"""


if __name__ == "__main__":
    print(markdown(sys.argv[1]))
