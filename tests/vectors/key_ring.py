"""Root keys and key rings: docs/wire-format.md, "Keys", and docs/key-ring.md."""

import hashlib
import json
import re
from datetime import datetime, timezone

from derivations import root_key_checksum, root_key_id
from primitives import Refused, decode

LARGEST = 65_536
MOST_KEYS = 16
RANGES = {"serial": (0, 2**53 - 1), "propagation": (0, 604_800), "skew": (0, 900), "lifetime_cap": (1, 3600)}
SAMPLE_KEYS = [hashlib.sha256(b"oauth-state sample key %d" % number).digest() for number in (1, 2)]
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z\Z")


def refuse_what_is_not_random(key):
    if key in SAMPLE_KEYS:
        raise Refused("key_sample")
    if all(0x20 <= byte <= 0x7E or byte in b"\t\r\n" for byte in key):
        raise Refused("key_printable")
    if len({(right - left) % 256 for left, right in zip(key, key[1:])}) == 1:
        raise Refused("key_step")
    if any(key[period:] == key[:-period] for period in range(1, 17)):
        raise Refused("key_period")
    if len(set(key)) <= 16:
        raise Refused("key_few_distinct_bytes")


def parse_root_key(text):
    """The 32 bytes of a root key's text."""
    prefix, _, rest = text.partition(".")
    if prefix != "osk1" or "." not in rest:
        raise Refused("key_form")
    key, _, checksum = rest.partition(".")
    if len(key.encode()) != 43:
        raise Refused("key_length")
    key = decode(key)
    if key is None:
        raise Refused("key_alphabet")
    if checksum != root_key_checksum(key):
        raise Refused("key_checksum")
    refuse_what_is_not_random(key)
    return key


def seconds(text):
    """Unix seconds of a time in UTC; a fraction is dropped."""
    if TIME.match(text) is None:
        raise Refused("time")
    try:
        time = datetime.strptime(text[:19].upper(), "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise Refused("time")
    if time.year < 1970:
        raise Refused("time")
    return int(time.replace(tzinfo=timezone.utc).timestamp())


def no_constant(text):
    raise ValueError(text)


def natural(text):
    """An unsigned number of at most 64 bits."""
    if text.startswith("-") or int(text) >= 2**64:
        raise ValueError(text)
    return int(text)


def no_double(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a field occurs twice")
    return dict(pairs)


def typed(value, required, optional):
    """Checks that an object has the required fields, no others, and each with its type."""
    if not isinstance(value, dict) or set(value) - set(required) - set(optional) or set(required) - set(value):
        raise Refused("form")
    for name, kinds in {**required, **optional}.items():
        # `True` is a number in Python, but not in JSON.
        if name in value and type(value[name]) not in kinds:
            raise Refused("form")


def read_document(text):
    """The fields of a document, with types and ranges checked."""
    try:
        document = json.loads(text, object_pairs_hook=no_double, parse_constant=no_constant, parse_int=natural)
        # Half a surrogate pair is not text.
        json.dumps(document, ensure_ascii=False).encode()
    except ValueError:
        raise Refused("form")
    numbers = {name: (int,) for name in ("version", *RANGES)}
    typed(document, {**numbers, "keys": (list,)}, {"revoked": (list,)})
    for key in document["keys"]:
        typed(key, {"key": (str,), "published_at": (str,), "seal_from": (str,)}, {"note": (str, type(None)), "emergency": (bool,)})
    if any(type(id) is not str for id in document.get("revoked", [])):
        raise Refused("form")
    if document["version"] != 1:
        raise Refused("version")
    for name, (least, most) in RANGES.items():
        if not least <= document[name] <= most:
            raise Refused("out_of_range")
    if not all(re.fullmatch("[0-9a-f]{16}", id) for id in document.get("revoked", [])):
        raise Refused("revoked_id")
    if not 1 <= len(document["keys"]) <= MOST_KEYS:
        raise Refused("key_count")
    return document


def check_schedule(keys, propagation, revoked):
    """The keys by ascending `seal_from`, checked against each other."""
    ids = [root_key_id(root) for root, _, _, _ in keys]
    for position, (_, published_at, seal_from, emergency) in enumerate(keys):
        if ids[position] in ids[:position]:
            raise Refused("key_twice")
        if position == 0:
            continue
        if keys[position - 1][2] == seal_from:
            raise Refused("seal_from_twice")
        replaced_is_revoked = ids[position - 1] in revoked
        if max(seal_from - published_at, 0) < propagation and not (emergency and replaced_is_revoked):
            raise Refused("too_early")


class Ring:
    """A key ring document, or a bare root key, which counts as always having been active."""

    def __init__(self, text):
        if len(text.encode()) > LARGEST:
            raise Refused("too_large")
        text = text.strip(" \t\n\f\r")
        if text.startswith("osk1."):
            self.serial, self.propagation, self.skew, self.lifetime_cap, self.revoked = 0, 0, 60, 3600, []
            self.roots, self.seal_from, self.emergency = [parse_root_key(text)], [0], [False]
        elif text.startswith("{"):
            document = read_document(text)
            self.serial, self.propagation, self.skew, self.lifetime_cap = (document[name] for name in RANGES)
            self.revoked = document.get("revoked", [])
            read = lambda key: (parse_root_key(key["key"]), seconds(key["published_at"]), seconds(key["seal_from"]), key.get("emergency", False))
            keys = sorted((read(key) for key in document["keys"]), key=lambda key: key[2])
            check_schedule(keys, self.propagation, self.revoked)
            self.roots, self.seal_from, self.emergency = ([key[field] for key in keys] for field in (0, 2, 3))
        else:
            raise Refused("neither_key_nor_document")
        self.ids = [root_key_id(root) for root in self.roots]
        # Revocations of other documents, seen by a process that uses this one.
        self.revoked_elsewhere = set()

    def is_revoked(self, id):
        return id in self.revoked or id in self.revoked_elsewhere

    def accept_until(self, index):
        if index + 1 == len(self.roots):
            return None
        return self.seal_from[index + 1] + self.propagation + self.lifetime_cap + 2 * self.skew

    def role(self, index, now):
        if self.is_revoked(self.ids[index]):
            return "revoked"
        if now < self.seal_from[index]:
            return "pending"
        if index + 1 == len(self.roots) or now < self.seal_from[index + 1]:
            return "active"
        return "retiring" if now < self.accept_until(index) else "retired"

    def roles(self, now):
        """By ascending `seal_from`."""
        return [{"id": id, "role": self.role(index, now)} for index, id in enumerate(self.ids)]

    def fingerprint(self):
        number = lambda value: value.to_bytes(8, "big")
        parts = [number(value) for value in (self.serial, self.propagation, self.skew, self.lifetime_cap, len(self.ids))]
        parts += [bytes.fromhex(id) + number(seal_from) for id, seal_from in zip(self.ids, self.seal_from)]
        parts += [bytes.fromhex(id) for id in self.revoked]
        return hashlib.sha256(b"oauth-state/v1/ring-fingerprint" + b"".join(parts)).hexdigest()[:16]
