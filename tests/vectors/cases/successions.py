"""Key rings that are offered to a process which uses another: which are used or refused, and the keys revoked in either case."""

import json

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

    # Used.
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
    add("longer times for one key, and twice the skew", document(one), after(one, propagation=3600, skew=120, lifetime_cap=3600))
    add("a skew of 1 second doubled", document(one, skew=1), after(one, skew=2))
    add("a skew of 450 seconds doubled", document(one, skew=450), after(one, skew=900))
    add("a skew of 0 that stays", document(one, skew=0), after(one, two, skew=0))
    add("a lower skew", document(one, skew=900), after(one, skew=450))
    add("twice the skew under a bare key that becomes a document", bare, document(one, serial=1, skew=120, lifetime_cap=3600))
    add("a skew from 0 with every key replaced", document(one, skew=0), after(one, entry(2, NOW, published=NOW, emergency=True), revoked=[ids[1]], skew=300))
    add("a skew from 0 with every key replaced and taken out", document(one, skew=0), after(entry(2, NOW, published=NOW), revoked=[ids[1]], skew=900))
    add("shorter times for one key", document(one), after(one, propagation=0, skew=0, lifetime_cap=1))
    add("longer times while a key retires", used, after(one, two, lifetime_cap=3600))
    add("the only key is pending still", document(entry(1, NOW + HOUR)), after(entry(1, NOW + HOUR), three))

    # Refused.
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

    # A skew raised too far.
    add("more than twice the skew", document(one), after(one, skew=121))
    add("five times the skew", document(one), after(one, skew=300))
    add("the largest skew", document(one), after(one, propagation=3600, skew=900, lifetime_cap=3600))
    add("more than twice the skew many documents later", document(one), document(one, serial=70, skew=180))
    add("more than twice the skew with a new key", document(one), after(one, three, skew=121))
    add("more than twice the skew while a key retires", used, after(one, two, skew=121))
    add("more than twice the skew with the active key revoked", document(one, three), after(one, three, revoked=[ids[1]], skew=121))
    add("a skew of 1 second tripled", document(one, skew=1), after(one, skew=3))
    add("a skew of 1 second after 0", document(one, skew=0), after(one, skew=1))
    add("more than twice the skew under a bare key that becomes a document", bare, document(one, serial=1, skew=121, lifetime_cap=3600))

    # Revocations in refused documents.
    revoked = f'"revoked": ["{ids[2]}"]'
    add("revoked by a lower serial", used, document(one, two, serial=6, revoked=[ids[2]]))
    add("revoked by a document that is cut off", used, after(one, two, revoked=[ids[2]])[:-3])
    add("revoked by a document with a comma too many", used, after(one, two, revoked=[ids[2]]).replace(",", ",,", 1))
    add("revoked by hardly anything", used, "{" + revoked)
    add("revoked by what is no object", used, revoked)
    add("revoked in capitals, with blanks", used, '{"revoked" :\n[ " ' + ids[2].upper() + ' " ]}')
    add("revoked beside what is no id", used, '{"revoked": [7, null, "no id", "' + ids[2] + '"]}')
    add("revoked the second time that the field stands there", used, '{"revoked": [], ' + revoked + "}")
    add("an id behind the end of the list revokes nothing", used, '{"revoked": [], "keys": ["' + ids[2] + '"]}')
    add("an id under another name revokes nothing", used, '{"unrevoked": ["' + ids[2] + '"]}')
    add("an id in a note revokes nothing", used, after({**one, "note": '"revoked": ["' + ids[2] + '"]'}, two, without=["skew"]))
    revoking(add, used, after, one, two, ids)
    return found


def revoking(add, used, after, one, two, ids):
    """Documents with a mistake around or in a list that revokes the active key, and documents in which another field names it."""
    good = after(one, two, revoked=[ids[2]])
    list = f'"revoked": ["{ids[2]}"]'
    assert good.count(list) == 1

    def mistaken(name, other, *, text=good):
        add(f"revoked {name}", used, text.replace(list, other))

    both = f'"{ids[9]}", "{ids[2]}"'
    mistaken("by a name without its first mark", f'revoked": ["{ids[2]}"]')
    mistaken("by a name without its last mark", f'"revoked: ["{ids[2]}"]')
    mistaken("by a name without marks", f'revoked: ["{ids[2]}"]')
    mistaken("in single marks", f"'revoked': ['{ids[2]}']")
    mistaken("in marks of a word processor", f"\u201crevoked\u201d: [\u201c{ids[2]}\u201d]")
    mistaken("without marks around the id", f'"revoked": [{ids[2]}]')
    mistaken("without the first mark of the id", f'"revoked": [{ids[2]}"]')
    mistaken("without the last mark of the id", f'"revoked": ["{ids[2]}]')
    mistaken("without a list", f'"revoked": "{ids[2]}"')
    mistaken("without a list or marks", f'"revoked": {ids[2]}')
    mistaken("without the end of the list", f'"revoked": ["{ids[2]}"')
    mistaken("without the beginning of the list", f'"revoked": "{ids[2]}"]')
    mistaken("in a list in the list", f'"revoked": [[], ["{ids[2]}"]]')
    mistaken("by an object", f'"revoked": {{"{ids[2]}": "leaked"}}')
    mistaken("behind an equals sign", f'"revoked" = ["{ids[2]}"]')
    mistaken("without a colon", f'"revoked" ["{ids[2]}"]')
    mistaken("behind a comma that should be a colon", f'"revoked", ["{ids[2]}"]')
    mistaken("in a list with commas too many", f'"revoked": [, "{ids[2]}",, ]')
    mistaken("under an escaped name in a broken document", f'"\\u0072e\\u0076ok\\u0065\\u0064": ["{ids[2]}"],,')
    mistaken("under an escaped name in a good document", f'"\\u0072evoked": ["{ids[2]}"]')
    mistaken("by an id with escapes", f'"revoked": ["\\u{ord(ids[2][0]):04X}{ids[2][1:]}"],,')
    mistaken("by a name in capitals", f'"REVOKED": ["{ids[2]}"]')
    mistaken("behind a bracket in a string", f'"revoked": ["see [42]", "a ]", {both}],,')
    mistaken("behind a bracket in a comment", f'"revoked": [ /* ] */ {both}]')
    mistaken("behind a bracket in a comment of a line", f'"revoked": [ // ] don\'t ask\n {both} # ]\n ]')
    mistaken("behind a comment before the list", f'"revoked": /* [] */ [{both}]')
    mistaken("behind a mark in a comment", f'/* a " */ "revoked": [{both}]')
    mistaken("behind a string without an end", f'"note": "abc, "revoked": [{both}]')
    mistaken("behind a string without a beginning", f'"note": abc", "revoked": [{both}]')
    mistaken("behind a name without an end", f'"note: "abc", "revoked": [{both}]')
    mistaken("behind a comma that is missing", f'"note": "abc" "revoked": [{both}]')
    mistaken("behind a value that is missing", f'"note":\n"revoked": [{both}]')
    mistaken("twice, of which one is empty", f'"revoked": [{both}], "revoked": []')
    add("revoked by a document in UTF-16, little-endian", used, "".join(letter + "\0" for letter in good))
    add("revoked by a document in UTF-16, big-endian", used, "".join("\0" + letter for letter in good))
    add("revoked by a document with zeros at its end", used, good + "\0" * 300)
    add("revoked by a document behind a byte order mark", used, "\ufeff" + good)
    add("revoked by a document with other letters", used, good.replace("{", '{"note": "gel\u00f6scht \u20ac \U0001f511", ', 1))
    add("revoked by a document that a shell has escaped", used, good.replace('"', '\\"'))
    add("revoked by a document whose marks a shell has eaten", used, good.replace('"', ""))
    escaped, nine = json.dumps(good), f'"{ids[9]}", '
    add("revoked by a document that is a JSON string", used, escaped)
    add("revoked by a document that is a JSON string twice over", used, json.dumps(escaped))
    add("revoked by a document that is a JSON string without its end", used, escaped[:-2])
    add("revoked by a broken document that is a JSON string", used, json.dumps(good.replace(",", ",,", 1)))
    add("revoked by a document in a variable", used, f"KEYS={escaped}")
    add("revoked by a document that is a string in another", used, f'{{"ring": {escaped}}}')
    add("revoked by a document that is an object in another", used, f'{{"ring": {good}}}')
    add("revoked by a document in a list", used, f"[{good}]")
    add("revoked by a document behind zeros", used, "\0" * 512 + good + ",")
    add("revoked by a document with a hole", used, (good + ",").replace(list, list[:9] + "\0" * 4096 + list[9:]))
    add("revoked by a document in UTF-16 that lost a byte", used, "".join(letter + "\0" for letter in good)[1:])
    add("revoked by a document in UTF-16 behind text in UTF-8", used, "{\n" + "".join(letter + "\0" for letter in good))
    mistaken("among several in one string", f'"revoked": "{ids[9]}, {ids[2]}"')
    mistaken("by an entry with a note", f'"revoked": [{{"id": "{ids[2]}", "note": "replaced by {ids[1]}"}}]')
    mistaken("a thousand times after another", f'"revoked": [{nine * 1_200}"{ids[2]}"],,')
    add("revoked after 1,100 others", used, good.replace(list, '"revoked": [' + "".join(f'"{number:016x}",' for number in range(1_100)) + f'"{ids[2]}"],,'))
    first = good.replace(", " + list, "").replace('"serial"', list + ', "serial"')
    add("revoked by a document that is cut off in its keys", used, first[: first.index("osk1") + 20])

    # Another mention of the active key does not revoke it.
    empty = after(one, two, revoked=[]).replace('"revoked": []', list)

    def harmless(name, other):
        add(f"nothing revoked by {name}", used, empty.replace(list, other))

    harmless("an empty list and a comma too many", '"revoked": [],,')
    harmless("a list of a comma", '"revoked": [,]')
    harmless("a list without an end, before a note", f'"revoked": [, "note": "{ids[2]}"')
    harmless("a list without an end, before other keys", f'"revoked": [ "keys": ["{ids[2]}"]')
    harmless("a name without a value", f'"revoked": , "note": "{ids[2]}"')
    harmless("a note that begins with the word", f'"note": "revoked: {ids[2]}"')
    harmless("a note with the word in it", f'"note": "leaked, revoked: {ids[2]}"')
    harmless("a note with a list in it", f'"note": "{{revoked: [{ids[2]}]}}"')
    harmless("a note with a list in single marks", f'"note": "leaked, \'revoked\': [\'{ids[2]}\']"')
    harmless("a note with an escaped list", f'"note": "leaked, \\"revoked\\": [\\"{ids[2]}\\"]"')
    harmless("a note without its first mark", f'"note": leaked, revoked: not {ids[2]}"')
    harmless("a note without its last mark", f'"note": "leaked, revoked: {ids[2]}')
    harmless("a note without a colon", f'"note" "revoked: {ids[2]}"')
    harmless("a comment", f'/* "revoked": ["{ids[2]}"] */ "revoked": []')
    harmless("a comment in the list", f'"revoked": [ // not {ids[2]}\n ]')
    for note in ["2026-12-01", "\u0443\u0442\u0435\u0447\u043a\u0430", "see [42]", "(42)", "{42}", "true", "12:30", "a \"b\""]:
        harmless(f"a note without its first mark, {note}", f'"revoked": [], "note": {note}, revoked: {ids[2]}"')
    harmless("a note behind a name without its last mark", f'"note: "(42), revoked: {ids[2]}"')
    harmless("a note with marks that are not escaped", f'"note": "he said "no", revoked: {ids[2]}"')
    harmless("a note in two kinds of marks", f'"note: "\'revoked\': no, {ids[2]}"')
    harmless("an escaped list without a colon", f'"note" "\\"revoked\\": no, {ids[2]}"')
    harmless("an escaped name in a note without its first mark", f'"note":was in \\"revoked\\": ["{ids[2]}"]"')
    harmless("null", f'"revoked": null, "active": "{ids[2]}"')
    harmless("an empty string", f'"revoked": "", "active": "{ids[2]}"')
    harmless("a sentence", f'"revoked": "replaced by {ids[2]}"')
    harmless("a name whose value is false", f'"revoked": {{"{ids[2]}": false}}')
    harmless("a list in a note", f'"note": {{"revoked": ["{ids[2]}"]}}')
    harmless("a list of notes", f'"note": ["2026", "revoked [{ids[2]}]"]')
    harmless("a document in a note", f'"note": "{{\\"revoked\\": [\\"{ids[2]}\\"]}}"')
    harmless("a document in one with a list of its own", f'"revoked": [], "ring": {{"revoked": ["{ids[2]}"]}}')
    no_list = empty.replace(list, '"revoked": [],')
    add("nothing revoked by a comment in the last line", used, no_list + f"\n// {list}")
    add("nothing revoked by a comment in the last line with its end", used, no_list + f"\n// {list}\n")
    add("nothing revoked by a comment of another kind in the last line", used, no_list + f"\n# revoked: {ids[2]}\n")
    harmless("a longer name", f'"revoked_by": ["{ids[2]}"]')
    harmless("a word among others", f'"tags": ["revoked", "{ids[2]}"]')
    harmless("a longer word than an id", f'"revoked": ["{ids[2]}0", "x{ids[2]}", "0x{ids[2]}", "_{ids[2]}"],,')
    harmless("the text of a key", f'"revoked": ["osk1.{ids[2]}.{ids[2]}", "osk1.a-{ids[2]}-b.c"],,')


def outcome(vector):
    current, now = Ring(vector["current"]), vector["now"]
    try:
        current, late = offer(current, vector["offered"], now)
        answer = {"accepted": {"late": late}}
    except Refused as refused:
        answer = {"refused": str(refused)}
    return {**answer, "serial": current.serial, "roles": current.roles(now)}
