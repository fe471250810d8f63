"""Another implementation of docs/wire-format.md and docs/key-ring.md, written from the pages alone.

It needs the package `cryptography` and nothing of the crate. It is made to be read, not to be used: it compares no tag in constant
time and remembers no used state.
"""

import base64
import hashlib
import hmac
import json
import re
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = bytes.fromhex("a2cb75")
FORMS = {"osm1": "a2c9b5", "osr1": "a2caf5", "osp1": "a2ca75", "osx1": "a2cc75"}
STANDARD_PURPOSES = ["login", "link", "reauthenticate"]
NAME = re.compile(r"[a-z0-9._-]{1,32}\Z")
KINDS = {"unbound": 0, "cookie": 1, "session": 2, "client_secret": 3}


class Refused(Exception):
    """A callback that is refused, with its code."""


def lp(field):
    return len(field).to_bytes(2, "big") + field


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    """The one canonical spelling, or nothing."""
    if re.fullmatch(r"[A-Za-z0-9_-]*", text) is None or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if encode(data) == text else None


def context(purpose, app, environment):
    return lp(purpose.encode()) + lp(app.encode()) + lp(environment.encode())


class Keys:
    """What is derived of a root key for one purpose, application and environment."""

    def __init__(self, root, purpose, app, environment):
        around = context(purpose, app, environment)
        derive = lambda label: mac(root, lp(b"oauth-state/v1/" + label) + around)
        self.purpose, self.enc, self.flow = purpose, derive(b"enc"), derive(b"flow")
        self.id = derive(b"key-id")[:4]
        self.around = around

    def associated_data(self, magic):
        return lp(b"oauth-state/v1/encrypted") + lp(magic) + lp(self.id) + self.around


def xaes(key, nonce):
    """XAES-256-GCM: the key of AES-256-GCM for the first half of a nonce, and the second half."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    doubled = int.from_bytes(block.update(bytes(16)), "big") << 1
    k1 = (doubled ^ (0x87 if doubled >> 128 else 0)) & (2**128 - 1)
    derived = b""
    for counter in [1, 2]:
        message = bytes([0, counter, 0x58, 0]) + nonce[:12]
        derived += block.update((int.from_bytes(message, "big") ^ k1).to_bytes(16, "big"))
    return AESGCM(derived), nonce[12:]


def seal(keys, nonce, plaintext, magic=MAGIC):
    cipher, half = xaes(keys.enc, nonce)
    return encode(magic + keys.id + nonce + cipher.encrypt(half, plaintext, keys.associated_data(magic)))


def parse_root_key(text):
    parts = text.split(".")
    if len(parts) != 3 or parts[0] != "osk1":
        return None
    key, checksum = decode(parts[1]), decode(parts[2])
    if key is None or len(key) != 32:
        return None
    return key if checksum == hashlib.sha256(lp(b"oauth-state/v1/root-key-checksum") + key).digest()[:6] else None


def root_key_text(key):
    return f"osk1.{encode(key)}.{encode(hashlib.sha256(lp(b'oauth-state/v1/root-key-checksum') + key).digest()[:6])}"


def root_key_id(key):
    return mac(key, lp(b"oauth-state/v1/root-key-id"))[:8].hex()


def seconds(time):
    from datetime import datetime

    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())


class Ring:
    """A key ring document, or a bare root key that seals since ever."""

    def __init__(self, text):
        self.skew = 60
        if not text.lstrip().startswith("{"):
            self.keys, self.revoked, self.until = [(parse_root_key(text.strip()), 0)], [], [None]
            return
        document = json.loads(text)
        self.skew, self.revoked = document["skew"], document.get("revoked", [])
        keys = [(parse_root_key(key["key"]), seconds(key["seal_from"])) for key in document["keys"]]
        self.keys = sorted(keys, key=lambda key: key[1])
        after = document["propagation"] + document["lifetime_cap"] + 2 * document["skew"]
        self.until = [seal_from + after for _, seal_from in self.keys[1:]] + [None]

    def role(self, index, now):
        root, seal_from = self.keys[index]
        if root_key_id(root) in self.revoked:
            return "revoked"
        if now < seal_from:
            return "pending"
        following = self.keys[index + 1][1] if index + 1 < len(self.keys) else None
        if following is None or now < following:
            return "active"
        return "retiring" if now < self.until[index] else "retired"


def split_fields(rest):
    """Four fields with a length before each, and what is left."""
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
    if flags & 0b1111_1000 or not 1 <= lifetime <= 3600:
        raise Refused("malformed")
    tag, rest, user = plaintext[8:24], plaintext[24:], None
    if flags & 1:
        if len(rest) < 16:
            raise Refused("malformed")
        user, rest = rest[:16], rest[16:]
    (provider, tenant, redirect, return_to), data = split_fields(rest)
    try:
        provider, redirect, return_to = provider.decode(), redirect.decode(), return_to.decode()
    except UnicodeDecodeError:
        raise Refused("malformed")
    good = NAME.match(provider) and len(tenant) <= 64 and (not redirect or NAME.match(redirect))
    if not good or (return_to and not is_return_path(return_to)):
        raise Refused("malformed")
    return {
        "issued_at": issued_at, "lifetime": lifetime, "restarts": restarts, "kind": flags >> 1, "tag": tag, "user_tag": user,
        "provider": provider, "tenant": tenant, "redirect": redirect, "return_to": return_to, "data": data,
    }


def segments_are_good(path):
    """Of what stands behind the first slash."""
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


def expand(keys, kind, secret, nonce):
    info = MAGIC + bytes([kind]) + secret + nonce
    t1 = mac(keys.flow, info + b"\x01")
    t2 = mac(keys.flow, t1 + info + b"\x02")
    return {"tag": t1[:16], "code_verifier": encode(t1[16:] + t2[:16]), "nonce": encode(t2[16:])}


def user_tag(keys, nonce, user):
    return mac(keys.flow, MAGIC + b"\x04" + nonce + lp(user))[:16]


def session_secret(session_id):
    return hashlib.sha256(lp(b"oauth-state/v1/session") + session_id).digest()


def cookie_stem(app, environment):
    digest = hashlib.sha256(lp(b"oauth-state/v1/cookie-name") + lp(app.encode()) + lp(environment.encode())).hexdigest()
    return f"__Host-{digest[:8]}-"


def cookie_secrets(headers, app, environment, letter):
    """The secrets of all valid cookies of that letter, by ascending name."""
    name = re.compile(re.escape(cookie_stem(app, environment) + letter).encode() + rb"-[A-Za-z0-9_-]{8}\Z")
    found = []
    for pair in b";".join(headers).split(b";"):
        if b"=" not in pair:
            continue
        key, value = (part.strip(b" \t") for part in pair.split(b"=", 1))
        if name.match(key) and len(value) == 43:
            secret = decode(value.decode("latin-1"))
            if secret is not None:
                found.append((key, secret))
    return [secret for _, secret in sorted(found)][:64]


def parse_callback(query):
    """`application/x-www-form-urlencoded`: each parameter once, and what is empty counts as absent."""
    seen = {}
    pairs = [pair for pair in query.split("&") if pair]
    for pair in pairs:
        name, _, value = pair.partition("=")
        name, value = (unquote_to_bytes(part.replace("+", " ")).decode("utf-8", "replace") for part in (name, value))
        if name in seen:
            raise Refused("duplicate_parameter")
        seen[name] = value
    given = {name: value for name, value in seen.items() if value}
    if "state" not in given:
        raise Refused("missing_state")
    if "code" in given and "error" in given:
        raise Refused("code_and_error")
    if "code" not in given and "error" not in given:
        raise Refused("code_missing")
    if not all("\x20" <= character <= "\x7e" for character in given.get("code", given.get("error"))):
        raise Refused("malformed")
    return given


def check(vector, flow):
    """What a callback is answered with: the claims, or `Refused` with the code. In the order of the page."""
    app, environment, now, ring = flow["app"], flow["environment"], vector["now"], Ring(flow["ring"])
    given = parse_callback(vector["query"])
    state = given["state"]
    if len(state.encode()) > 2048:
        raise Refused("too_long")
    token = decode(state)
    if token is None or len(token) < 47 + 29 or token[:3] != MAGIC:
        raise Refused("malformed")
    key_id, nonce, text = token[3:7], token[7:31], token[31:]
    known = [(index, Keys(root, purpose, app, environment)) for index, (root, _) in enumerate(ring.keys) for purpose in [*STANDARD_PURPOSES, *flow["purposes"]]]
    found = next(((index, keys) for index, keys in known if keys.id == key_id), None)
    role = ring.role(found[0], now) if found else None
    if role == "revoked":
        raise Refused("key_revoked")
    if role in (None, "retired"):
        raise Refused("unknown_key")
    keys = found[1]
    if keys.purpose not in flow["purposes"]:
        raise Refused("wrong_purpose")
    cipher, half = xaes(keys.enc, nonce)
    try:
        plaintext = cipher.decrypt(half, text, keys.associated_data(MAGIC))
    except InvalidTag:
        raise Refused("forged")
    claims = parse_plaintext(plaintext)
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
    if provider is None:
        raise Refused("wrong_provider")
    secrets = check_binding(vector, flow, keys, nonce, claims, provider)
    issuer = provider.get("issuer")
    if issuer is not None and given.get("iss") not in (None, issuer):
        raise Refused("issuer_mismatch")
    if issuer is not None and provider.get("requires_iss") and "iss" not in given:
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
