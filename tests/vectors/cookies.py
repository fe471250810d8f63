"""The cookies that bind a login: docs/wire-format.md, "Binding"."""

import re

from derivations import cookie_stem
from primitives import decode

MOST_TRIED = 64


def valid_cookies(headers, app, environment, letter):
    """Names and secrets of the valid cookies of that letter, in the order in which they are tried."""
    name = re.compile(re.escape(cookie_stem(app, environment) + letter).encode() + rb"-[A-Za-z0-9_-]{8}\Z")
    found = []
    # Headers are never joined: a pair that is cut off at the end of one does not continue in the next.
    for pair in (pair for header in headers for pair in header.split(b";")):
        if b"=" not in pair:
            continue
        key, value = (part.strip(b" \t") for part in pair.split(b"=", 1))
        if name.match(key) and len(value) == 43:
            secret = decode(value.decode("latin-1"))
            if secret is not None:
                found.append((key.decode(), secret))
    return sorted(found)[:MOST_TRIED]


def cookie_secrets(headers, app, environment, letter):
    return [secret for _, secret in valid_cookies(headers, app, environment, letter)]
