"""Key rings: roles over time, or why one is refused."""

import hashlib
import json
from datetime import datetime, timezone

from derivations import root_key_id, root_key_text
from key_ring import LARGEST, SAMPLE_KEYS, Ring
from primitives import Refused

FILE = "rings.json"
SHARED = {}
NOW = 1_800_000_000
HOUR = 3600
#: `propagation + lifetime_cap + 2·skew` of the documents below.
GRACE = 300 + 600 + 2 * 60


def root(number):
    return hashlib.sha256(b"oauth-state vectors, key %d" % number).digest()


def of_distinct_bytes(number):
    """An otherwise valid key: each byte at least once, then some of them in another order."""
    distinct = sorted(set(root(1) + root(2)))[:number]
    key = bytes(distinct[position] if position < number else distinct[position * 7 % number] for position in range(32))
    assert len(set(key)) == number
    return key


def text_of(key):
    """A root key's text, whatever its bytes."""
    return key if isinstance(key, str) else root_key_text(key)


def utc(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(number, seal_from, *, published=None, **more):
    """A key by its number; published an hour before it seals."""
    key = number if isinstance(number, (str, bytes)) else root(number)
    seal_from = seal_from if isinstance(seal_from, str) else utc(seal_from)
    published = published if isinstance(published, str) else utc(NOW - 50 * HOUR if published is None else published)
    return {"key": text_of(key), "published_at": published, "seal_from": seal_from, **more}


def document(*entries, revoked=None, without=(), **changes):
    fields = {"version": 1, "serial": 7, "propagation": 300, "skew": 60, "lifetime_cap": 600, "keys": list(entries)}
    if revoked is not None:
        fields["revoked"] = revoked
    return json.dumps({**{name: value for name, value in fields.items() if name not in without}, **changes})


def vectors():
    found = []

    def add(name, text, *times, **padded):
        found.append({"name": name, "text": text, **padded, "times": sorted({second for time in times for second in (time - 1, time)})})

    one, two, three = entry(1, NOW - 40 * HOUR), entry(2, NOW), entry(3, NOW + 10 * HOUR)
    ids = [root_key_id(root(number)) for number in range(20)]
    bare = root_key_text(root(1))
    good = document(one)

    # Accepted. Every time means itself and the second before it.
    add("a bare key", bare, 1, NOW)
    add("a bare key with white space around it", f" \t\r\n{bare}\n\n", NOW)
    add("a bare key of 17 distinct bytes", root_key_text(of_distinct_bytes(17)), NOW)
    add("a bare key that repeats, but for its last byte", root_key_text((root(1)[:16] * 2)[:31] + root(1)[-1:]), NOW)
    add("one key", good, NOW - 40 * HOUR)
    add("two keys", document(one, two), NOW - 40 * HOUR, NOW, NOW + GRACE)
    add("three keys", document(one, two, three), NOW, NOW + GRACE, NOW + 10 * HOUR, NOW + 10 * HOUR + GRACE)
    add("the order of the list says nothing", document(three, one, two), NOW, NOW + GRACE, NOW + 10 * HOUR)
    add("three keys that follow closely", document(one, two, entry(3, NOW + 100)), NOW, NOW + 100, NOW + GRACE, NOW + 100 + GRACE)
    add("white space around a document", f"\n {document(one)}\r\n\f", NOW)
    add("every field that may be left out", document(entry(1, NOW, note="the first key", emergency=False), revoked=[]), NOW)
    add("a note that is null, and one in other letters", document(entry(1, NOW, note=None), entry(2, NOW + HOUR, note="cl\u00e9 \U0001f511")), NOW)
    add("the active key is revoked", document(one, two, revoked=[ids[2]]), NOW, NOW + GRACE)
    add("the retiring key is revoked", document(one, two, revoked=[ids[1]]), NOW, NOW + GRACE)
    add("the pending key is revoked", document(one, two, three, revoked=[ids[3]]), NOW, NOW + 10 * HOUR)
    add("every key is revoked", document(one, two, revoked=[ids[1], ids[2]]), NOW)
    add("ids of keys that are not there any more", document(one, revoked=[ids[9], ids[8], ids[8]]), NOW)
    add("other ids are another ring", document(one, revoked=[ids[8], ids[9]]), NOW)
    add("an emergency", document(one, entry(2, NOW, published=NOW, emergency=True), revoked=[ids[1]]), NOW, NOW + GRACE)
    add("an emergency after an emergency", document(one, entry(2, NOW, published=NOW, emergency=True), entry(3, NOW + 9, published=NOW + 9, emergency=True), revoked=[ids[1], ids[2]]), NOW, NOW + 9)
    add("the first key needs no propagation", document(entry(1, NOW, published=NOW)), NOW)
    add("the oldest key, wherever it stands", document(two, entry(1, NOW - 40 * HOUR, published=NOW - 40 * HOUR)), NOW)
    add("exactly the propagation", document(one, entry(2, NOW, published=NOW - 300)), NOW)
    add("no propagation at all", document(one, entry(2, NOW, published=NOW), propagation=0), NOW, NOW + 720)
    add("published after it seals, with no propagation", document(one, entry(2, NOW, published=NOW + 9), propagation=0), NOW)
    add("the smallest numbers", document(one, two, serial=0, propagation=0, skew=0, lifetime_cap=1), NOW, NOW + 1)
    add("the largest numbers", document(one, entry(2, NOW, published=NOW - 604_800), serial=2**53 - 1, propagation=604_800, skew=900, lifetime_cap=3600), NOW, NOW + 604_800 + 3600 + 1800)
    add("sixteen keys", document(*(entry(number, NOW + number * HOUR) for number in range(1, 17))), NOW + HOUR, NOW + 16 * HOUR)
    add("a fraction of a second is dropped", document(entry(1, "2027-01-15T08:00:00.999999999Z")), NOW)
    add("a small t in a time", document(entry(1, "2027-01-15t08:00:00Z")), NOW)
    add("the beginning of time", document(entry(1, "1970-01-01T00:00:00Z", published="1970-01-01T00:00:00Z")), 1)
    add("the end of time", document(one, entry(2, "9999-12-31T23:59:59Z")), NOW, 253_402_300_799)
    add("a day that leap years have", document(entry(1, "2028-02-29T00:00:00Z")), 1_835_395_200)
    add("the fields in another order, and escaped", json.dumps(dict(reversed(json.loads(document(one, two)).items()))).replace('"serial"', '"\\u0073erial"'), NOW)
    add("the longest document", good, NOW, padded_to=LARGEST)

    def refused(name, text, **padded):
        add(name, text, **padded)

    def in_place_of(before, after):
        assert before in good, before
        return good.replace(before, after)

    refused("nothing", "")
    refused("white space", " \n")
    refused("a password", "correct horse battery staple")
    refused("a list", f"[{good}]")
    refused("a root key of the next version", bare.replace("osk1", "osk2"))
    refused("a key in quotes", f'"{bare}"')
    refused("a byte order mark", "\ufeff" + good)
    refused("a no-break space before a key", "\u00a0" + bare)
    refused("one byte too long", good, padded_to=LARGEST + 1)
    refused("a bare key and very much white space", bare, padded_to=LARGEST + 1)
    refused("a bare key and a word", bare + " key")
    # Documents of another form.
    refused("an empty object", "{}")
    refused("cut off", good[:-1])
    refused("something behind it", good + "}")
    refused("a comma too many", in_place_of('"serial": 7,', '"serial": 7,,'))
    refused("a comma at the end", in_place_of("]}", "],}"))
    refused("a comment", in_place_of('"serial"', '/* */ "serial"'))
    refused("single quotes", good.replace('"', "'"))
    refused("a misspelt field", in_place_of('"serial"', '"cereal"'))
    refused("a misspelt revoked", document(one, revoekd=[]))
    refused("a field twice", in_place_of('"serial": 7', '"serial": 7, "serial": 7'))
    refused("a field of a key twice", document(entry(1, NOW, note="a")).replace('"note"', '"note": "b", "note"'))
    refused("a misspelt field of a key", document(entry(1, NOW, emergancy=True)))
    for name in ("version", "serial", "propagation", "skew", "lifetime_cap", "keys"):
        refused(f"without {name}", document(one, without=[name]))
    for name in ("key", "published_at", "seal_from"):
        refused(f"a key without {name}", document({field: value for field, value in one.items() if field != name}))
    refused("a serial as text", document(one, serial="7"))
    refused("a serial with a fraction", in_place_of('"serial": 7', '"serial": 7.0'))
    refused("a serial with an exponent", in_place_of('"serial": 7', '"serial": 7e0'))
    refused("a serial below zero", document(one, serial=-1))
    refused("a serial of minus zero", in_place_of('"serial": 7', '"serial": -0'))
    refused("a serial with a leading zero", in_place_of('"serial": 7', '"serial": 07'))
    refused("a serial of more than 64 bits", document(one, serial=2**64))
    refused("a note with half a surrogate pair", document({**one, "note": "\ud83d"}))
    refused("a note with a line end in it", document({**one, "note": "first"}).replace("first", "first\n"))
    refused("a vertical tab before a document", "\v" + good)
    refused("a form feed within a document", in_place_of('"serial"', '\f"serial"'))
    refused("a serial that is true", document(one, serial=True))
    refused("a skew that is null", document(one, skew=None))
    refused("a skew that is no number", in_place_of('"skew": 60', '"skew": NaN'))
    refused("keys that are an object", document(keys={"1": one}))
    refused("a key that is text", document(bare))
    refused("a key that is a list", document([one["key"], one["published_at"], one["seal_from"]]))
    refused("a time as a number", document({**one, "seal_from": NOW}))
    refused("an emergency as text", document({**one, "emergency": "true"}))
    refused("an emergency that is null", document({**one, "emergency": None}))
    refused("revoked that is null", document(one, revoked=None).replace("}]}", '}], "revoked": null}'))
    refused("revoked that is text", document(one, revoked=ids[9]))
    refused("a number that is revoked", document(one, revoked=[7]))
    # Numbers.
    refused("version 0", document(one, version=0))
    refused("version 2", document(one, version=2))
    for name, values in {"serial": [2**53], "propagation": [604_801, 2**32], "skew": [901, 2**32 + 60], "lifetime_cap": [0, 3601, 66_136, 2**64 - 1]}.items():
        for value in values:
            refused(f"{name} of {value}", document(one, **{name: value}))
    # Ids.
    for name, id in {"of 15 digits": ids[9][:15], "of 17 digits": ids[9] + "0", "in capitals": "00112233AABBCCDD", "with a prefix": "0x" + ids[9][:14], "that is empty": ""}.items():
        refused(f"an id {name}", document(one, revoked=[ids[8], id]))
    # How many.
    refused("no key", document())
    refused("seventeen keys", document(*(entry(number, NOW + number * HOUR) for number in range(1, 18))))
    # Root keys.
    body, checksum = bare.split(".")[1:]
    add_key = lambda name, text: (refused(f"{name}, in a document", document(entry(text, NOW))), text.startswith("osk1.") and refused(f"{name}, alone", text))
    add_key("a key without a checksum", f"osk1.{body}")
    add_key("a key of another version", bare.replace("osk1", "osk2"))
    add_key("a key that is cut off", f"osk1.{body[:-1]}.{checksum}")
    add_key("a key that is too long", f"osk1.{body}A.{checksum}")
    add_key("a key with padding", f"osk1.{body}=.{checksum}")
    add_key("a key in another alphabet", f"osk1.+/{body[2:]}.{checksum}")
    add_key("a key with another spelling of its last character", f"osk1.{respelled(body)}.{checksum}")
    add_key("a key with one character changed", f"osk1.{'A' if body[0] != 'A' else 'B'}{body[1:]}.{checksum}")
    add_key("a checksum that is cut off", bare[:-1])
    add_key("a checksum with a dot more", bare + ".")
    add_key("a password for a key", text_of(b"correct horse battery staple 123"))
    add_key("hexadecimal digits for a key", text_of(b"0123456789abcdef0123456789abcdeX"))
    add_key("a key of zeros", text_of(bytes(32)))
    add_key("a key that counts down", text_of(bytes((250 - 7 * position) % 256 for position in range(32))))
    add_key("a key that repeats after 16 bytes", text_of(root(1)[:16] * 2))
    add_key("a key that repeats after 5 bytes", text_of((root(1)[:5] * 7)[:32]))
    add_key("a key of 16 distinct bytes", text_of(of_distinct_bytes(16)))
    add_key("a key of two distinct bytes", text_of(bytes(0x80 + root(1)[position] % 2 for position in range(32))))
    for number, sample in enumerate(SAMPLE_KEYS, start=1):
        add_key(f"sample key {number}", text_of(sample))
    # Times.
    for name, time in {
        "that is empty": "", "in Unix seconds": "1800000000", "without a time": "2027-01-15", "without a zone": "2027-01-15T08:00:00",
        "in another zone": "2027-01-15T09:00:00+01:00", "with +00:00 for Z": "2027-01-15T08:00:00+00:00", "with a small z": "2027-01-15T08:00:00z",
        "before 1970": "1969-12-31T23:59:59Z", "of a thirteenth month": "2027-13-01T00:00:00Z", "of a day that is not": "2027-02-29T00:00:00Z",
        "of the hour 24": "2027-01-15T24:00:00Z", "with a blank around it": " 2027-01-15T08:00:00Z", "with an empty fraction": "2027-01-15T08:00:00.Z",
        "of five digits for the year": "12027-01-15T08:00:00Z",
    }.items():
        refused(f"seal_from {name}", document(entry(1, time)))
    refused("published_at in another zone", document(entry(1, NOW, published="2027-01-15T07:00:00+01:00")))
    # Keys compared with each other.
    refused("a key twice", document(one, entry(1, NOW)))
    refused("a key twice, apart", document(one, two, entry(1, NOW + 10 * HOUR)))
    refused("two keys that begin in the same second", document(one, two, entry(3, NOW)))
    refused("two first keys", document(one, entry(2, NOW - 40 * HOUR)))
    refused("the same second with another fraction", document(entry(1, "2027-01-15T08:00:00.1Z"), entry(2, "2027-01-15T08:00:00.2Z")))
    refused("a second too early", document(one, entry(2, NOW, published=NOW - 299)))
    refused("at once", document(one, entry(2, NOW, published=NOW)))
    refused("published after it seals", document(one, entry(2, NOW, published=NOW + HOUR)))
    refused("an emergency without a revocation", document(one, entry(2, NOW, published=NOW, emergency=True)))
    refused("a revocation without an emergency", document(one, entry(2, NOW, published=NOW), revoked=[ids[1]]))
    refused("an emergency that revokes another than it replaces", document(one, two, entry(3, NOW + 9, published=NOW + 9, emergency=True), revoked=[ids[1]]))
    return found


def respelled(text):
    """43 characters leave two bits of the last one unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def outcome(vector):
    try:
        ring = Ring(vector["text"].ljust(vector.get("padded_to", 0)))
    except Refused as refused:
        return {"refused": str(refused)}
    at = []
    for now in vector["times"]:
        roles = ring.roles(now)
        active = [role["id"] for role in roles if role["role"] == "active"]
        at.append({"now": now, "seals": active[0] if active else None, "roles": roles})
    times = {"skew": ring.skew, "lifetime_cap": ring.lifetime_cap}
    return {"accepted": {"serial": ring.serial, **times, "fingerprint": ring.fingerprint(), "at": at}}
