"""Key rings that are offered to a process which uses another: what is taken, what is refused, and what is revoked in either case."""

from cases.rings import GRACE, HOUR, NOW, document, entry, root
from derivations import root_key_id, root_key_text
from key_ring import Ring
from primitives import Refused
from succession import offer

FILE = "successions.json"
SHARED = {}
SKEW, CAP = 60, 600


def vectors():
    found = []

    def add(name, current, offered, now=NOW):
        found.append({"name": name, "current": current, "offered": offered, "now": now})

    def after(*entries, **changes):
        return document(*entries, **{"serial": 8, **changes})

    ids = [root_key_id(root(number)) for number in range(10)]
    bare = root_key_text(root(1))
    zero, one, two, three = entry(0, NOW - 45 * HOUR), entry(1, NOW - 40 * HOUR), entry(2, NOW - 100), entry(3, NOW + 10 * HOUR)
    used = document(one, two)

    # What is taken.
    add("the document in use", used, used)
    add("the document in use, with its keys in another order", used, document(two, one))
    add("the document in use, with another note", used, document({**one, "note": "of old"}, two))
    add("the bare key in use", bare, bare)
    add("nothing new but the serial", used, after(one, two))
    add("a serial that skips many", used, document(one, two, serial=700))
    add("a new key that is pending", used, after(one, two, three))
    add("a new key that seals already", document(one), after(one, two))
    add("two new keys that seal already", document(zero), after(zero, one, two))
    add("a new key in an emergency", document(one), after(one, entry(2, NOW, published=NOW, emergency=True), revoked=[ids[1]]))
    add("a new key that is revoked", document(one), after(one, entry(2, NOW + HOUR), revoked=[ids[2]]))
    add("a retired key taken out", document(zero, one, two), after(one, two))
    add("a key taken out once every clock has retired it", used, after(two), NOW - 100 + CAP + 2 * SKEW - SKEW)
    add("a key taken out that is superseded in the new document alone", document(one), after(two, entry(4, NOW - HOUR)))
    add("a revoked key taken out", document(one, two, revoked=[ids[2]]), after(one, revoked=[ids[2]]))
    add("a key revoked and taken out at once", used, after(two, revoked=[ids[1]]))
    add("the active key revoked", used, after(one, two, revoked=[ids[2]]))
    add("a key of nobody's revoked", used, after(one, two, revoked=[ids[9]]))
    add("a pending key withdrawn", document(one, two, three, revoked=[]), after(one, two, revoked=[ids[3]]))
    add("a key that had begun to seal withdrawn", used, after(one, revoked=[ids[2]]))
    add("a bare key becomes a document", bare, document(one, serial=1, skew=60, lifetime_cap=3600))
    add("another beginning of the oldest key, which seals", document(one), after(entry(1, NOW - HOUR)))
    add("longer times for one key", document(one), after(one, propagation=3600, skew=900, lifetime_cap=3600))
    add("shorter times for one key", document(one), after(one, propagation=0, skew=0, lifetime_cap=1))
    add("longer times while a key retires", used, after(one, two, lifetime_cap=3600))
    add("the only key is pending still", document(entry(1, NOW + HOUR)), after(entry(1, NOW + HOUR), three))

    # What is refused.
    add("a lower serial", used, document(one, two, three, serial=6))
    add("a bare key after a document", used, bare)
    add("another document under the same serial", used, document(one, two, three))
    add("another bare key", bare, root_key_text(root(2)))
    add("other times under the same serial", used, document(one, two, propagation=301))
    add("other revocations under the same serial", used, document(one, two, revoked=[ids[9]]))
    add("a revoked key returns", document(one, two, revoked=[ids[1]]), after(one, two))
    add("a key that is revoked and was never there comes", document(one, two, revoked=[ids[3]]), after(one, two, three))
    add("a revoked key returns under the same serial", document(one, two, revoked=[ids[1]]), document(one, two))
    add("the active key taken out", used, after(one))
    add("the retiring key taken out", used, after(two))
    add("a key taken out a second before every clock has retired it", used, after(two), NOW - 100 + CAP + 2 * SKEW - SKEW - 1)
    add("a pending key taken out", document(one, two, three), after(one, two))
    add("every key replaced", document(one), after(entry(5, NOW - HOUR), entry(6, NOW - 100)), NOW - HOUR + CAP)
    add("the active key begins later", used, after(one, entry(2, NOW - 99)))
    add("a pending key begins sooner", document(one, two, three), after(one, two, entry(3, NOW + 9 * HOUR)))
    add("a pending key begins at once", document(one, three), after(one, entry(3, NOW)))
    add("the oldest key begins again in the future", document(one), after(entry(1, NOW + 1)))
    add("an older key comes before the oldest, which changes", document(one), after(entry(4, NOW - 41 * HOUR), entry(1, NOW - 39 * HOUR)))
    add("a superseded key seals again, and its successor is gone", document(zero, one), after(zero), NOW)
    add("a superseded key seals again, long after", document(zero, one, two), after(zero, three), NOW + 9 * HOUR)
    add("shorter times while a key retires", used, after(one, two, lifetime_cap=599))
    add("a shorter propagation while a key retires", used, after(one, two, propagation=299))
    add("longer times that open a retired key again", used, after(one, two, lifetime_cap=3600), NOW - 100 + GRACE)
    add("every key seals in the future", document(one), after(entry(7, NOW + 1), revoked=[ids[1]]))
    add("the first key of another ring, to come", document(zero, one, revoked=[ids[0]]), after(entry(7, NOW + HOUR), revoked=[ids[0], ids[1]]))

    # What is revoked although the rest is refused.
    revoked = f'"revoked": ["{ids[2]}"]'
    add("revoked by a lower serial", used, document(one, two, serial=6, revoked=[ids[2]]))
    add("revoked by a document that is cut off", used, after(one, two, revoked=[ids[2]])[:-3])
    add("revoked by a document with a comma too many", used, after(one, two, revoked=[ids[2]]).replace(",", ",,", 1))
    add("revoked by hardly anything", used, "{" + revoked)
    add("revoked by what is no object", used, revoked)
    add("revoked in capitals, with blanks", used, '{"revoked" :\n[ " ' + ids[2].upper() + ' " ]}')
    add("revoked beside what is no id", used, '{"revoked": [7, null, "no id", "' + ids[2] + '"]}')
    add("revoked the second time that the field stands there", used, '{"revoked": [], ' + revoked + "}")
    add("an id that is no list revokes nothing", used, '{"revoked": "' + ids[2] + '"}')
    add("an id behind the end of the list revokes nothing", used, '{"revoked": [], "keys": ["' + ids[2] + '"]}')
    add("an id under another name revokes nothing", used, '{"unrevoked": ["' + ids[2] + '"]}')
    add("an id in a note revokes nothing", used, after({**one, "note": '"revoked": ["' + ids[2] + '"]'}, two, without=["skew"]))
    return found


def outcome(vector):
    current, now = Ring(vector["current"]), vector["now"]
    try:
        current, late = offer(current, vector["offered"], now)
        answer = {"accepted": {"late": late}}
    except Refused as refused:
        answer = {"refused": str(refused)}
    return {**answer, "serial": current.serial, "roles": current.roles(now)}
