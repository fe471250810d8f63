"""Messages between parties, from a text that scripts/drawing describes."""

import re
import sys

from canvas import Canvas, width_of

LANE, ROW, LINE, TOP, SIDE = 196, 34, 16, 84, 6


def rows(text, name):
    """The lanes, what they share, and the rows."""
    lanes, shared, told = {}, [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        if found := re.match(r"lane (\w+): (.+)", line):
            lanes[found[1]] = found[2]
        elif found := re.match(r"share (\w+) (\w+): (.+)", line):
            shared.append(found.groups())
        elif found := re.match(r"=== (.+)", line):
            told.append(("head", None, None, found[1]))
        elif found := re.match(r"(\w+) -([>x+]) (\w+): (.+)", line):
            told.append(({">": "", "x": "bad", "+": "good"}[found[2]], found[1], found[3], found[4]))
        elif found := re.match(r"(\w+): (.+)", line):
            told.append(("deed", found[1], None, found[2]))
        else:
            sys.exit(f"{name}, line {number}: neither a lane, a message nor an action")
    return lanes, shared, told


def draw(text, name):
    lanes, shared, told = rows(text, name)
    middle = {name: SIDE + LANE * position + LANE / 2 for position, name in enumerate(lanes)}
    width = LANE * len(lanes) + 2 * SIDE
    canvas, marks = Canvas(width), []
    y, step = TOP, 0
    # The lanes come first, so that everything else is drawn over them; their height is known at the end.
    for kind, of, to, says in told:
        if kind == "head":
            y += ROW
            marks += [("path", f"M{SIDE} {y - 21}H{width - SIDE}", "line", {"thin": True}), ("text", SIDE + 8, y, says, "ink", {"anchor": "start", "bold": True})]
            y += 6
            continue
        step += 1
        lines = f"{step}  {says}".split(" | ")
        if kind == "deed":
            high, wide = LINE * len(lines) + 10, max(map(width_of, lines))
            x = min(max(middle[of], SIDE + wide / 2), width - SIDE - wide / 2)
            y += 12
            marks.append(("box", x - wide / 2, y, wide, high, {}))
            marks += [("text", x, y + 18 + LINE * position, line, "ink", {}) for position, line in enumerate(lines)]
            y += high
        else:
            y += ROW
            way = 1 if middle[to] > middle[of] else -1
            end = middle[to] - 2 * way
            marks.append(("path", f"M{middle[of] + 2 * way:g} {y}H{end:g}m{-8 * way} -5l{8 * way} 5l{-8 * way} 5", kind or "soft", {}))
            marks.append(("text", (middle[of] + middle[to]) / 2, y - 8, lines[0], kind or "ink", {"bold": bool(kind), "backed": True}))
    height = y + 18
    for name, shown in lanes.items():
        canvas.text(middle[name], 28, shown, bold=True, size=14)
        canvas.path(f"M{middle[name]:g} 40V{height - 10}", "line", dashed=True)
    for one, other, what in shared:
        left, right = sorted((middle[one], middle[other]))
        canvas.box(left - 60, 42, right - left + 120, 24, radius=12)
        canvas.text((left + right) / 2, 58, what)
    for kind, *arguments, options in marks:
        getattr(canvas, kind)(*arguments, **options)
    return canvas.svg(text.splitlines()[0].lstrip("# "), height)
