"""Another implementation of docs/wire-format.md and docs/key-ring.md, written from these pages alone. This file opens a state and checks it.

`primitives`, `derivations`, `key_ring`, `callback` and `cookies` beside it are the rest. It needs the package `cryptography` and nothing of
the crate. It is made to be read, not to be used: it compares no tag in constant time and remembers no used state.
"""

import json
import re
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidTag

from callback import parse_callback
from cookies import cookie_secrets
from derivations import FORMS, KINDS, MAGIC, SIGNED, Keys, expand, session_secret, user_tag
from key_ring import Ring
from primitives import NAME, PROVIDER, Refused, decode, encode, lp, mac, xaes

STANDARD_PURPOSES = ["login", "link", "reauthenticate", "logout"]


def signature(keys, nonce, plaintext):
    return mac(keys.sign, lp(keys.associated_data(SIGNED)) + nonce + lp(plaintext))


def seal(keys, nonce, plaintext, magic=MAGIC):
    if magic == SIGNED:
        return encode(magic + keys.id + nonce + plaintext + signature(keys, nonce, plaintext))
    cipher, half = xaes(keys.enc, nonce)
    return encode(magic + keys.id + nonce + cipher.encrypt(half, plaintext, keys.associated_data(magic)))


def split_fields(rest):
    """Four fields with a length before each, and the rest."""
    fields = []
    for _ in range(4):
        if not rest:
            raise Refused("malformed")
        if rest[0] & 0x80:
            if len(rest) < 2:
                raise Refused("malformed")
            length, start = int.from_bytes(rest[:2], "big") & 0x7FFF, 2
            if length < 0x80:
                raise Refused("malformed")
        else:
            length, start = rest[0], 1
        if len(rest) < start + length:
            raise Refused("malformed")
        fields.append(rest[start : start + length])
        rest = rest[start + length :]
    return fields, rest


def write_field(field):
    return (bytes([len(field)]) if len(field) < 0x80 else (0x8000 | len(field)).to_bytes(2, "big")) + field


def parse_plaintext(plaintext):
    if len(plaintext) < 24:
        raise Refused("malformed")
    issued_at, lifetime = int.from_bytes(plaintext[:4], "big"), int.from_bytes(plaintext[4:6], "big")
    restarts, flags = plaintext[6], plaintext[7]
    if flags & 0b1111_0000 or not 1 <= lifetime <= 3600:
        raise Refused("malformed")
    tag, rest, user, connection = plaintext[8:24], plaintext[24:], None, None
    if flags & 1:
        if len(rest) < 16:
            raise Refused("malformed")
        user, rest = rest[:16], rest[16:]
    if flags & 8:
        if len(rest) < 8:
            raise Refused("malformed")
        connection, rest = rest[:8], rest[8:]
    (provider, tenant, redirect, return_to), data = split_fields(rest)
    try:
        provider, redirect, return_to = provider.decode(), redirect.decode(), return_to.decode()
    except UnicodeDecodeError:
        raise Refused("malformed")
    good = PROVIDER.match(provider) and len(tenant) <= 64 and (not redirect or NAME.match(redirect))
    if not good or (return_to and not is_return_path(return_to)):
        raise Refused("malformed")
    return {
        "issued_at": issued_at, "lifetime": lifetime, "restarts": restarts, "kind": flags >> 1 & 3, "tag": tag, "user_tag": user, "connection_tag": connection,
        "provider": provider, "tenant": tenant, "redirect": redirect, "return_to": return_to, "data": data,
    }


def segments_are_good(path):
    """Checks the text after the first slash."""
    segments = path.split(b"/")
    return b"" not in segments[:-1] and not any(segment in (b".", b"..") for segment in segments)


def is_return_path(text):
    if len(text) > 1024 or any(not "\x21" <= character <= "\x7e" or character == "\\" for character in text):
        return False
    if not text.startswith("/") or text.startswith("//"):
        return False
    path = re.split(r"[?#]", text[1:], maxsplit=1)[0].encode()
    if not segments_are_good(path) or re.search(rb"%(?![0-9A-Fa-f]{2})", path):
        return False
    for _ in range(4):
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return True
        if any(byte < 0x20 or byte == 0x7F or byte == 0x5C for byte in decoded) or not segments_are_good(decoded):
            return False
        path = decoded
    return False


def open_body(keys, nonce, body, form):
    """The plaintext, by the form's construction."""
    if form == SIGNED:
        plaintext, tag = body[:-32], body[-32:]
        if tag != signature(keys, nonce, plaintext):
            raise Refused("forged")
        return plaintext
    cipher, half = xaes(keys.enc, nonce)
    try:
        return cipher.decrypt(half, body, keys.associated_data(form))
    except InvalidTag:
        raise Refused("forged")


def check(vector, flow):
    """The result of a callback: the claims, or `Refused` with the code. The checks are in the order of the page."""
    app, environment, now, ring = flow["app"], flow["environment"], vector["now"], Ring(flow["ring"])
    without_code = {"logout", *flow.get("purposes_without_code", [])}
    given = parse_callback(vector["query"].encode(), may_lack_an_answer=True)
    state = given["state"]
    if len(state.encode()) > 2048:
        raise Refused("too_long")
    token = decode(state)
    form = bytes.fromhex(FORMS[flow.get("form", "ost1")])
    tag_length = 32 if form == SIGNED else 16
    if token is None or len(token) < 31 + 29 + tag_length or token[:3] != form:
        raise Refused("malformed")
    key_id, nonce, body = token[3:7], token[7:31], token[31:]
    known = [(index, Keys(root, purpose, app, environment)) for index, root in enumerate(ring.roots) for purpose in [*STANDARD_PURPOSES, *flow["purposes"]]]
    found = next(((index, keys) for index, keys in known if keys.id == key_id), None)
    role = ring.role(found[0], now) if found else None
    if role == "revoked":
        raise Refused("key_revoked")
    if role in (None, "retired"):
        raise Refused("unknown_key")
    keys = found[1]
    if keys.purpose not in flow["purposes"]:
        raise Refused("wrong_purpose")
    claims = parse_plaintext(open_body(keys, nonce, body, form))
    if keys.purpose in ("link", "reauthenticate") and claims["user_tag"] is None:
        raise Refused("malformed")
    if claims["issued_at"] > now + ring.skew:
        raise Refused("issued_in_future")
    if now >= claims["issued_at"] + claims["lifetime"] + ring.skew:
        raise Refused("expired")
    expect = vector["expect"]
    if expect.get("purpose") not in (None, keys.purpose):
        raise Refused("wrong_purpose")
    if expect["provider"] != claims["provider"]:
        raise Refused("wrong_provider")
    if expect.get("redirect") not in (None, claims["redirect"]):
        raise Refused("wrong_redirect")
    if expect.get("tenant") is not None and bytes.fromhex(expect["tenant"]) != claims["tenant"]:
        raise Refused("wrong_tenant")
    provider = flow["providers"].get(claims["provider"])
    # No callback of these vectors loads a provider at run time.
    if provider is None or claims["connection_tag"] is not None:
        raise Refused("wrong_provider")
    has_answer = "code" in given or "error" in given
    if not has_answer and keys.purpose not in without_code:
        raise Refused("code_missing")
    if "code" in given and keys.purpose == "logout":
        raise Refused("malformed")
    secrets = check_binding(vector, flow, keys, nonce, claims, provider)
    issuer = provider.get("issuer")
    if issuer is not None and given.get("iss") not in (None, issuer):
        raise Refused("issuer_mismatch")
    if issuer is not None and provider.get("requires_iss") and "iss" not in given and has_answer:
        raise Refused("issuer_missing")
    data = json.loads(claims["data"] or b"null")
    if flow["data"] == "u32" and not (isinstance(data, int) and 0 <= data < 2**32):
        raise Refused("data")
    accepted = {
        "purpose": keys.purpose, "provider": claims["provider"], "tenant": claims["tenant"].hex() or None,
        "redirect": claims["redirect"] or None, "return_to": claims["return_to"] or None, "restarts": claims["restarts"],
        "issued_at": claims["issued_at"], "data": data,
    }
    if "error" in given:
        return {**accepted, "error": given["error"]}
    if not has_answer:
        return accepted
    return {**accepted, "code": given["code"], "code_verifier": secrets["code_verifier"], "nonce": secrets["nonce"]}


def check_binding(vector, flow, keys, nonce, claims, provider):
    binding = vector["binding"]
    kind = KINDS[binding["kind"]]
    if binding["kind"] == "cookie":
        letter = "n" if provider.get("form_post") else "l"
        headers = [bytes.fromhex(header) for header in binding["headers"]]
        candidates, other = cookie_secrets(headers, flow["app"], flow["environment"], letter), "other_browser"
        if not candidates:
            raise Refused("cookie_missing")
    elif binding["kind"] == "session":
        candidates, other = [session_secret(bytes.fromhex(binding["id"]))], "other_session"
    elif binding["kind"] == "client_secret":
        candidates, other = [decode(binding["text"])], "other_client"
    else:
        candidates, other = [bytes(32)], "other_browser"
    secrets = next((found for found in (expand(keys, kind, secret, nonce) for secret in candidates) if found["tag"] == claims["tag"]), None)
    if secrets is None:
        raise Refused(other)
    if claims["user_tag"] is not None:
        user = vector.get("user")
        if user is None or user_tag(keys, nonce, bytes.fromhex(user)) != claims["user_tag"]:
            raise Refused("other_user")
    return secrets
