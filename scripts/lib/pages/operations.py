"""The dashboard's panels, drawn from what Prometheus answered to their queries."""

import textwrap

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

UNITS = {"percentunit": "share", "reqps": "a second", "ops": "a second", "s": "seconds", "short": ""}


def points(series):
    start = float(series["values"][0][0])
    return [float(at) - start for at, _ in series["values"]], [float(value) for _, value in series["values"]]


def name_of(legend, series):
    for label, value in series["metric"].items():
        legend = legend.replace("{{" + label + "}}", value.rsplit(":", 1)[-1] if label == "instance" else value)
    return legend


def draw(panels, answers, path):
    """Those that have an answer, three in a row."""
    shown = [panel for panel in panels if any(answers[query] for _, query in panel[2])]
    rows = (len(shown) + 2) // 3
    plt.rcParams.update({"svg.hashsalt": "oauth-state", "font.size": 8, "svg.fonttype": "none"})
    figure, axes = plt.subplots(rows, 3, figsize=(12, 2.3 * rows), layout="constrained")
    figure.patch.set_facecolor("white")
    for place in axes.flat[len(shown):]:
        place.set_visible(False)
    for place, (title, unit, curves) in zip(axes.flat, shown):
        for legend, query in curves:
            for series in answers[query]:
                place.plot(*points(series), linewidth=1.4, label=name_of(legend, series) or None)
        place.set_title(textwrap.fill(title, 44), fontsize=8, loc="left", fontweight="bold")
        place.set_ylabel(UNITS[unit])
        place.set_ylim(bottom=0)
        place.margins(x=0)
        place.grid(alpha=0.3)
        place.spines[["top", "right"]].set_visible(False)
        if place.get_legend_handles_labels()[1]:
            place.legend(fontsize=7, frameon=False, loc="best")
    figure.savefig(path, metadata={"Date": None})
