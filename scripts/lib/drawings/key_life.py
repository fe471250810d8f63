"""The roles of keys over time, in the terms of docs/key-ring.md."""

from canvas import Canvas

WIDTH, HIGH = 992, 30
# Where the moments of a rotation and of a revocation are, from left to right.
START, PUBLISHED, SEALS, PROPAGATED, CAPPED, ACCEPTED, END = 126, 236, 404, 530, 676, 772, 980
FILLS = {"pending": "paper", "active": "mint", "retiring": "gray", "retired": "paper", "revoked": "rose", "unknown": "paper"}


def span(canvas, y, left, right, role, says):
    border = {"active": "good", "revoked": "bad", "retired": "line"}.get(role, "soft")
    canvas.box(left, y, right - left, HIGH, FILLS[role], border=border, radius=4, dashed=role in ("pending", "retired", "unknown"))
    canvas.text((left + right) / 2, y + 20, says, "bad" if role == "revoked" else "soft" if role in ("retired", "unknown") else "ink")


def moment(canvas, x, y, to, name):
    canvas.path(f"M{x} {y + 6}V{to}", "soft", dashed=True, thin=True)
    canvas.text(x, y, name, "soft", size=12)


def time(canvas, y, left, right, *says):
    """A length of time with an arrow at each end."""
    canvas.path(f"M{left + 1} {y}H{right - 1}m-6 -4l6 4l-6 4M{left + 7} {y - 4}l-6 4l6 4", "soft", thin=True)
    for line, text in enumerate(says):
        canvas.text((left + right) / 2, y + 16 + 15 * line, text, "soft", size=12, backed=True)


def draw():
    canvas = Canvas(WIDTH)
    heading = lambda y, says: canvas.text(14, y, says, anchor="start", bold=True, size=14)
    key = lambda y, name: canvas.text(14, y + 20, name, anchor="start", bold=True)

    heading(28, "Scheduled rotation")
    moment(canvas, PUBLISHED, 56, 166, "published_at of B")
    moment(canvas, SEALS, 56, 166, "seal_from of B")
    moment(canvas, ACCEPTED, 56, 166, "accept_until of A")
    key(72, "Key A (old)")
    span(canvas, 72, START, SEALS, "active", "active: opens and seals")
    span(canvas, 72, SEALS, ACCEPTED, "retiring", "retiring: opens, does not seal")
    span(canvas, 72, ACCEPTED, END, "retired", "retired: does nothing")
    key(114, "Key B (new)")
    span(canvas, 114, PUBLISHED, SEALS, "pending", "pending: opens only")
    span(canvas, 114, SEALS, END, "active", "active: opens and seals")
    time(canvas, 160, PUBLISHED, SEALS, "propagation (+ skew):", "every server reads B first")
    time(canvas, 160, SEALS, PROPAGATED, "propagation:", "A may still seal", "on a late server")
    time(canvas, 160, PROPAGATED, CAPPED, "lifetime_cap:", "A's last state lives", "this long at most")
    time(canvas, 160, CAPPED, ACCEPTED, "2·skew:", "clocks", "differ")

    canvas.path(f"M6 240H{WIDTH - 6}", "line", thin=True)
    heading(268, "Revocation of the active key, after it leaked")
    moment(canvas, SEALS, 296, 406, "a document with A in revoked is published")
    key(312, "Key A (leaked)")
    span(canvas, 312, START, SEALS, "active", "active: opens and seals")
    span(canvas, 312, SEALS, END, "revoked", "revoked: does nothing, at once and forever")
    key(354, "Key C (new)")
    span(canvas, 354, SEALS, END, "active", "active at once (emergency): opens and seals")
    time(canvas, 400, SEALS, PROPAGATED, "propagation:", "the document", "reaches all servers")
    said = [
        "Logins under way under A fail as key_revoked, and users start again.",
        "A server that has not read the document yet still accepts A, refuses",
        "C's states as unknown_key, and therefore reads its source early.",
    ]
    for line, text in enumerate(said):
        canvas.text(PROPAGATED + 16, 410 + 16 * line, text, "soft", anchor="start", size=12)
    return canvas.svg("The roles of root keys over time, in a scheduled rotation and after a revocation", 462)
