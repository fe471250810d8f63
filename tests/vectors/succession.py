"""From one key ring to the next, in a running process: docs/key-ring.md, "From one document to the next"."""

import math

from key_ring import Ring
from primitives import Refused
from revocations import scan


def read(text):
    """The ring, or the reason for its refusal, and the document's revocations in either case."""
    try:
        ring = Ring(text)
        return ring, None, ring.revoked
    except Refused as refused:
        return None, refused, scan(text.encode())


def successor(ring, index):
    """The key that takes over from this one."""
    return (ring.ids[index + 1], ring.seal_from[index + 1]) if index + 1 < len(ring.ids) else None


def end(ring, index):
    until = ring.accept_until(index)
    return math.inf if until is None else until


def check_kept(current, old, offered, new, now):
    was, will = current.seal_from[old], offered.seal_from[new]
    if was != will and not (old == 0 and new == 0 and max(was, will) <= now):
        raise Refused("schedule_changed")
    withdrawn = lambda id: current.is_revoked(id) or id in offered.revoked
    superseded = any(was < seal_from <= now and not withdrawn(id) for id, seal_from in zip(current.ids, current.seal_from))
    role = offered.role(new, now)
    if superseded and role in ("active", "pending"):
        raise Refused("seals_again")
    if successor(current, old) == successor(offered, new) and role != "revoked":
        ends_sooner = now < end(current, old) and end(offered, new) < end(current, old)
        if ends_sooner or (current.role(old, now) == "retired" and role == "retiring"):
            raise Refused("times_changed")


def check_dropped(current, index, offered, now):
    id, seal_from = current.ids[index], current.seal_from[index]
    if current.is_revoked(id) or id in offered.revoked:
        return
    later = [other for other in current.seal_from + offered.seal_from if other > seal_from]
    until = min(later, default=math.inf) + current.lifetime_cap + 2 * current.skew
    if now + current.skew < until:
        raise Refused("dropped_too_early")


def check_skew(current, offered, now):
    """Marks under the old skew must not end before their states do under the new one."""
    # The smallest recent skew is the current one here, because a vector has no earlier document.
    most = 2 * current.skew
    accepts = any(id in current.ids and offered.role(index, now) in ("pending", "active", "retiring") for index, id in enumerate(offered.ids))
    if offered.skew > most and accepts:
        raise Refused("skew_raised_too_far")


def judge(current, offered, now):
    """The number of late keys; None for the document in use."""
    if offered.serial < current.serial:
        raise Refused("serial_too_low")
    if any(id not in offered.revoked and current.is_revoked(id) for id in offered.ids):
        raise Refused("revoked_key_returns")
    if offered.serial == current.serial:
        if offered.fingerprint() != current.fingerprint():
            raise Refused("serial_reused")
        return None
    for index, id in enumerate(current.ids):
        if id in offered.ids:
            check_kept(current, index, offered, offered.ids.index(id), now)
        else:
            check_dropped(current, index, offered, now)
    check_skew(current, offered, now)
    if min(offered.seal_from) > now >= min(current.seal_from):
        raise Refused("no_active_key")
    new = [index for index, id in enumerate(offered.ids) if id not in current.ids]
    return sum(offered.seal_from[index] <= now and not offered.emergency[index] and offered.role(index, now) != "revoked" for index in new)


def offer(current, text, now):
    """The ring in use afterwards, and the number of its late keys. Revocations come first, and stay even if a refusal is raised."""
    offered, refused, revoked = read(text)
    current.revoked_elsewhere.update(revoked)
    if refused is not None:
        raise refused
    late = judge(current, offered, now)
    return (current, None) if late is None else (offered, late)
