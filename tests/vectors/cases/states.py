"""States, and the result of a callback with each of them."""

import hashlib
import json
from datetime import datetime, timezone
from urllib.parse import quote

import reference as ref
from derivations import KINDS, SIGNED, Keys, connection_tag, cookie_stem, expand, root_key_id, root_key_text, session_secret, user_tag

FILE = "states.json"
NOW = 1_800_000_000
SESSION, OTHER_SESSION = b"0123456789abcdef", b"fedcba9876543210"
USER, OTHER_USER = b"user-42", b"user-43"
SECRET, OTHER_SECRET = bytes(range(32)), bytes(range(32, 64))
ACME = ("https://login.acme.example", "client-7", "https://login.acme.example/authorize", "https://shop.example/auth/acme/callback")


def key(number):
    return hashlib.sha256(b"oauth-state vectors, key %d" % number).digest()


def time(offset):
    return datetime.fromtimestamp(NOW + offset, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def ring_document():
    """Key 1 is retired, 2 retires, 3 seals, 4 is pending; 5, which came before them, is revoked."""
    times = {5: -900_000, 1: -800_000, 2: -400_000, 3: -1_000, 4: 5_000}
    keys = [{"key": root_key_text(key(number)), "published_at": time(offset - 700), "seal_from": time(offset)} for number, offset in times.items()]
    timing = {"propagation": 300, "skew": 60, "lifetime_cap": 3600}
    return json.dumps({"version": 1, "serial": 9, **timing, "keys": keys, "revoked": [root_key_id(key(5))]})


ULID = "01JDQ8ZK3M7Y5V2W9X4R6T1B0C"
PROVIDERS = {
    "github": {},
    "google": {"issuer": "https://accounts.example", "requires_iss": True},
    "gitlab": {"issuer": "https://gitlab.example"},
    "apple": {"form_post": True},
    ULID: {},
    "Z" * 64: {},
}
BARE = root_key_text(key(1))
FLOWS = {
    "login": {"app": "shop", "environment": "production", "ring": BARE, "purposes": ["login"], "providers": PROVIDERS, "data": "any"},
    "account": {"app": "shop", "environment": "production", "ring": BARE, "purposes": ["login", "link", "reauthenticate", "custom:pay"], "providers": PROVIDERS, "data": "any"},
    "rotating": {"app": "shop", "environment": "production", "ring": ring_document(), "purposes": ["login"], "providers": PROVIDERS, "data": "any"},
    "typed": {"app": "shop", "environment": "production", "ring": BARE, "purposes": ["login"], "providers": PROVIDERS, "data": "u32"},
    "returning": {"app": "shop", "environment": "production", "ring": BARE, "purposes": ["login", "logout", "custom:consent"], "purposes_without_code": ["custom:consent"], "providers": PROVIDERS, "data": "any"},
    "staging": {"app": "shop", "environment": "staging", "ring": BARE, "purposes": ["login"], "providers": PROVIDERS, "data": "any"},
}
FLOWS |= {f"signed {name}": {**FLOWS[name], "form": "oss1"} for name in ["login", "account", "rotating", "typed", "staging"]}


def session(identifier=SESSION):
    return {"kind": "session", "id": identifier.hex()}


def cookie_header(secret=SECRET, letter="l", suffix="AAAAAAAA", environment="production"):
    return f"{cookie_stem('shop', environment)}{letter}-{suffix}={ref.encode(secret)}".encode()


def cookies(*headers):
    return {"kind": "cookie", "headers": [header.hex() for header in headers]}


class Sealer:
    """Seals states, each under a nonce of its own name."""

    def __init__(self):
        self.vectors = []

    def state(self, name, *, root=1, purpose="login", environment="production", kind="session", secret=None, user=None, connection=None, issued_at=NOW, lifetime=600,
              restarts=0, provider=b"github", tenant=b"", redirect=b"", return_to=b"", data=b"", magic=ref.MAGIC, plaintext=None, app="shop"):
        keys = Keys(key(root), purpose, app, environment)
        nonce = hashlib.sha256(b"nonce of " + name.encode()).digest()[:24]
        number = KINDS[kind]
        if secret is None:
            secret = {"session": session_secret(SESSION), "cookie": SECRET, "client_secret": SECRET, "unbound": bytes(32)}[kind]
        if plaintext is None:
            flags = (number << 1) | (user is not None) | ((connection is not None) << 3)
            plaintext = issued_at.to_bytes(4, "big") + lifetime.to_bytes(2, "big") + bytes([restarts, flags])
            plaintext += expand(keys, number, secret, nonce)["tag"]
            plaintext += b"" if user is None else user_tag(keys, nonce, user)
            plaintext += b"" if connection is None else connection_tag(keys, nonce, *connection)
            plaintext += b"".join(ref.write_field(field) for field in [provider, tenant, redirect, return_to]) + data
        return ref.seal(keys, nonce, plaintext, magic)

    def add(self, name, *, flow="login", state=None, query=None, binding=None, user=None, now=NOW + 1, at="github", expect=None, more="", **fields):
        if query is None:
            query = f"state={state or self.state(name, **fields)}&code=the-code{more}"
        vector = {"name": name, "flow": flow, "now": now, "query": query, "binding": binding or session(), "expect": {"provider": at, **(expect or {})}}
        if user is not None:
            vector["user"] = user.hex()
        self.vectors.append(vector)


def vectors():
    v = Sealer()
    add, state = v.add, v.state
    long_path = b"/" + b"p" * 200

    # Accepted.
    add("a bare login")
    add("every field", tenant=b"\x07" * 16, redirect=b"web", return_to=b"/cart?item=7#top", data=b"42", restarts=1, expect={"tenant": "07" * 16, "redirect": "web"})
    add("what the callback does not know is learned", tenant=b"acme", redirect=b"admin", return_to=b"/")
    add("a field with a length of two bytes", return_to=long_path)
    add("the longest tenant", tenant=bytes(64))
    add("a percent-encoded path", return_to=b"/100%25/%C3%A9")
    add("data that is an object", data=b'{"a":[1,2,{"b":null}]}')
    add("by a cookie", kind="cookie", binding=cookies(cookie_header()))
    add("by the second of two cookies", kind="cookie", secret=OTHER_SECRET, binding=cookies(cookie_header(), cookie_header(OTHER_SECRET, suffix="BBBBBBBB")))
    add("a provider with the id of a database", at=ULID, state=state("a ULID", provider=ULID.encode()))
    add("the longest id of a provider", at="Z" * 64, state=state("the longest id", provider=b"Z" * 64))
    add("among cookies that are not ours", kind="cookie", binding=cookies(b"theme=dark; a=\xff\xfe; =; ;x", b"\t" + cookie_header() + b" ;last=1"))
    add("by a cookie for form_post", at="apple", binding=cookies(cookie_header(letter="n")), state=state("by a cookie for form_post", kind="cookie", provider=b"apple"))
    add("by a client secret", kind="client_secret", binding={"kind": "client_secret", "text": ref.encode(SECRET)})
    add("unbound", kind="unbound", binding={"kind": "unbound"})
    add("for a user", state=state("for a user", user=USER), user=USER)
    add("nobody began, and somebody is signed in", user=USER, state=state("nobody began, and somebody is signed in"))
    add("a link", flow="account", user=USER, state=state("a link", purpose="link", user=USER))
    add("a reauthentication", flow="account", user=USER, state=state("a reauthentication", purpose="reauthenticate", user=USER), expect={"purpose": "reauthenticate"})
    add("a purpose of one's own", flow="account", state=state("a purpose of one's own", purpose="custom:pay"), expect={"purpose": "custom:pay"})
    of_logout = state("a logout", purpose="logout")
    add("a logout", flow="returning", query=f"state={of_logout}", expect={"purpose": "logout"})
    add("a logout at a provider that promises iss", flow="returning", at="google", query=f"state={state('a logout at google', purpose='logout', provider=b'google')}")
    add("an error of a logout", flow="returning", query=f"state={of_logout}&error=access_denied")
    of_consent = state("a consent", purpose="custom:consent", return_to=b"/admin")
    add("a purpose that may return without a code", flow="returning", query=f"state={of_consent}&admin_consent=True")
    add("a code of a purpose that may return without one", flow="returning", query=f"state={of_consent}&code=the-code")
    add("an error of the provider", query=f"state={state('an error of the provider')}&error=access_denied&error_description=no")
    add("iss as it was promised", at="google", state=state("iss as it was promised", provider=b"google"), more="&iss=" + quote("https://accounts.example", safe=""))
    add("iss that is not promised is absent", at="gitlab", state=state("iss that is not promised is absent", provider=b"gitlab"))
    add("iss of a provider that has none here", more="&iss=https%3A%2F%2Fanywhere.example")
    add("other parameters", more="&scope=a+b&session_state=%7B%7D")
    add("parameters without a value", more="&error=&iss=")
    add("the last second", now=NOW + 659)
    add("issued as far ahead as clocks may differ", now=NOW - 60)
    add("the shortest lifetime", lifetime=1, now=NOW + 60)
    add("the longest lifetime", lifetime=3600, now=NOW + 3659)
    add("under the key that seals", flow="rotating", root=3)
    add("under a key that retires", flow="rotating", root=2)
    add("under a key that is pending", flow="rotating", root=4)
    add("data of the type", flow="typed", data=b"4294967295")

    # The callback itself.
    add("no state", query="code=the-code")
    add("a state without a value", query="state=&code=the-code")
    add("two states", query=f"state={state('two states')}&state=x&code=the-code")
    add("two codes, one of them empty", query=f"state={state('two codes')}&code=&code=the-code")
    add("code and error", query=f"state={state('code and error')}&code=the-code&error=access_denied")
    add("code and an error of one's own", query=f"state={state('code and error')}&error=x&code=y")
    add("neither code nor error", query=f"state={state('neither')}")
    add("code and error without a value", query=f"state={state('neither')}&code=&error=")
    add("a code that is not printable", query=f"state={state('not printable')}&code=a%00b")
    add("one character too many", state="A" * 2049)
    add("very many characters", state="ost1" + "A" * 5000)

    # The text.
    add("with padding", state=state("with padding") + "=")
    add("another spelling of the last character", state=respelled(state("another spelling", redirect=b"w")))
    add("cut short", state=state("cut short")[:90])
    add("another magic", state="xst1" + state("another magic")[4:])
    add("a handle to a row in Redis", state=state("a handle", magic=bytes.fromhex("a2caf5")))
    add("one bit of the ciphertext", state=flipped(state("one bit of the ciphertext"), 40))
    add("one bit of the nonce", state=flipped(state("one bit of the nonce"), 10))
    add("one bit of the tag", state=flipped(state("one bit of the tag"), -1))
    add("one byte more", state=longer(state("one byte more")))
    add("one bit of the key id", state=flipped(state("one bit of the key id"), 5))
    add("a key of somebody else's", root=77)
    add("another environment", flow="staging")
    add("another application", app="other")
    add("a key that is retired", flow="rotating", root=1)
    add("a key that is revoked", flow="rotating", root=5)
    add("a key that is revoked, of a state that is expired", flow="rotating", root=5, now=NOW + 9_000)

    # Authentic, but not as this version writes it.
    plain = (NOW).to_bytes(4, "big") + (600).to_bytes(2, "big")
    add("a flag of the future", plaintext=plain + bytes([0, 0b1_0000]) + bytes(16) + b"\x06github\0\0\0")
    add("a lifetime of nothing", plaintext=NOW.to_bytes(4, "big") + bytes([0, 0, 0, 4]) + bytes(16) + b"\x06github\0\0\0")
    add("a length in more bytes than it takes", plaintext=plain + bytes([0, 4]) + bytes(16) + b"\x80\x06github\0\0\0")
    add("a field that is cut off", plaintext=plain + bytes([0, 4]) + bytes(16) + b"\x06github\0\0\x09/")
    add("no provider", provider=b"")
    add("a provider of 65 characters", provider=b"g" * 65)
    add("a provider with a slash", provider=b"git/hub")
    add("a provider that a browser takes out of a path", provider=b"..")
    add("a redirect in capital letters", redirect=b"Web")
    add("a connection tag that is cut off", plaintext=plain + bytes([0, 0b1100]) + bytes(16) + bytes(7))
    add("a tenant of 65 bytes", tenant=bytes(65))
    add("a path of another site", return_to=b"//evil.example")
    add("a path with an encoded segment of dots", return_to=b"/a/%2e%2e/b")
    add("a path that is encoded five times", return_to=b"/%252525252e")
    add("a link without a user", flow="account", user=USER, state=state("a link without a user", purpose="link"))

    # Time.
    add("a second too late", now=NOW + 660)
    add("a day too late", now=NOW + 86_400)
    add("a second too far ahead", now=NOW - 61)
    add("a clock that was wrong when it began", issued_at=NOW + 1_000_000)

    # Context.
    add("a link where logins end", user=USER, state=state("a link where logins end", purpose="link", user=USER))
    add("a login where links end", flow="account", user=USER, expect={"purpose": "link"})
    add("a purpose of one's own that nobody accepts", state=state("a purpose of nobody", purpose="reauthenticate", user=USER), user=USER)
    add("the callback of another provider", at="gitlab")
    add("the callback of a provider whose id differs in its case", at="GitHub")
    add("a connection where none are loaded", state=state("a connection", connection=ACME))
    add("a connection of a user where none are loaded", flow="account", user=USER, state=state("a connection of a user", purpose="link", user=USER, connection=("", *ACME[1:])))
    add("a provider that is not configured", at="acme", state=state("not configured", provider=b"acme"))
    add("another redirect", redirect=b"web", expect={"redirect": "admin"})
    add("no redirect where one is expected", expect={"redirect": "admin"})
    add("another tenant", tenant=b"acme", expect={"tenant": b"bolt".hex()})
    add("no tenant where one is expected", expect={"tenant": b"bolt".hex()})

    # Returns without a code.
    add("a login without a code where logouts may return", flow="returning", query=f"state={state('a login without a code')}")
    add("a code of a logout", flow="returning", query=f"state={of_logout}&code=the-code")
    add("a logout where none is accepted", query=f"state={of_logout}")
    add("a logout in another session", flow="returning", query=f"state={of_logout}", binding=session(OTHER_SESSION))

    # Binding.
    add("no cookie at all", kind="cookie", binding=cookies())
    add("a cookie whose name is encoded", kind="cookie", binding=cookies(cookie_header().replace(b"_", b"%5f", 1)))
    add("a cookie of the other kind of callback", kind="cookie", binding=cookies(cookie_header(letter="n")))
    add("a cookie of another environment", kind="cookie", binding=cookies(cookie_header(environment="staging")))
    add("a cookie in quotes", kind="cookie", binding=cookies(cookie_header().replace(b"=", b'="') + b'"'))
    add("the cookie of another browser", kind="cookie", binding=cookies(cookie_header(OTHER_SECRET)))
    add("a session's login in a browser with a cookie", binding=cookies(cookie_header()))
    add("another session", binding=session(OTHER_SESSION))
    add("a cookie's login in a session", kind="cookie", binding=session())
    add("another client", kind="client_secret", binding={"kind": "client_secret", "text": ref.encode(OTHER_SECRET)})
    add("a cookie's secret as a client's", kind="cookie", binding={"kind": "client_secret", "text": ref.encode(SECRET)})
    add("another user", state=state("another user", user=USER), user=OTHER_USER)
    add("nobody is signed in any more", state=state("nobody is signed in", user=USER))

    # The last checks.
    add("iss of another", at="google", state=state("iss of another", provider=b"google"), more="&iss=https%3A%2F%2Fevil.example")
    add("iss with a slash more", at="google", state=state("iss with a slash", provider=b"google"), more="&iss=https%3A%2F%2Faccounts.example%2F")
    add("iss that was promised is absent", at="google", state=state("iss is absent", provider=b"google"))
    add("iss that was promised is empty", at="google", state=state("iss is empty", provider=b"google"), more="&iss=")
    add("data of another type", flow="typed", data=b'"text"')
    add("no data where there must be some", flow="typed")
    signed(v)
    return v.vectors


def signed(v):
    """The signed form: its special cases, and one of each kind of refusal."""

    def add(name, *, flow="signed login", more="", query=None, change=None, state=None, **given):
        name = f"signed, {name}"
        fields = {field: given.pop(field) for field in list(given) if field in SEALED_FIELDS}
        token = state or v.state(name, magic=SIGNED, **fields)
        v.add(name, flow=flow, query=query or f"state={changed(token, change) if change else token}&code=the-code{more}", **given)

    # Accepted.
    add("a bare login")
    add("every field", tenant=b"\x07" * 16, redirect=b"web", return_to=b"/cart?item=7#top", data=b"42", restarts=1, expect={"tenant": "07" * 16, "redirect": "web"})
    add("what the callback does not know is learned", tenant=b"acme", redirect=b"admin", return_to=b"/")
    add("a field with a length of two bytes", return_to=b"/" + b"p" * 200)
    add("data that is an object", data=b'{"a":[1,2,{"b":null}]}')
    add("by a cookie", kind="cookie", binding=cookies(cookie_header()))
    add("by a client secret", kind="client_secret", binding={"kind": "client_secret", "text": ref.encode(SECRET)})
    add("for a user", state=v.state("signed, for a user", magic=SIGNED, user=USER), user=USER)
    add("a link", flow="signed account", state=v.state("signed, a link", magic=SIGNED, purpose="link", user=USER), user=USER)
    add("an error of the provider", query=f"state={v.state('signed, an error', magic=SIGNED)}&error=access_denied")
    add("iss as it was promised", at="google", provider=b"google", more="&iss=" + quote("https://accounts.example", safe=""))
    add("the last second", now=NOW + 659)
    add("under the key that seals", flow="signed rotating", root=3)
    add("under a key that retires", flow="signed rotating", root=2)
    add("data of the type", flow="signed typed", data=b"4294967295")

    # One form only.
    # Long enough to be a state with a tag of the other length.
    path = b"/a/path/of/some/length"
    encrypted, open_text = (v.state("signed, another form", return_to=path, magic=magic) for magic in (ref.MAGIC, SIGNED))
    add("an encrypted state", state=encrypted)
    add("a handle to a row in Redis", state=v.state("signed, a handle", magic=bytes.fromhex("a2caf5")))
    add("where states are encrypted", flow="login")
    add("an encrypted body", state=under(SIGNED, encrypted))
    add("called encrypted", flow="login", state=under(ref.MAGIC, open_text))
    add("called encrypted, where states are signed", state=under(ref.MAGIC, open_text))

    # The signature.
    add("one bit of the provider", change=flip(31 + 25))
    add("one bit of the nonce", change=flip(10))
    add("one bit of the tag, the first", change=flip(-32))
    add("one bit of the tag, the last", change=flip(-1))
    add("one byte more", change=lambda data: data.append(0))
    add("a byte of data before the tag", change=lambda data: data.insert(-32, 0x31))
    add("half of the tag", return_to=path, change=lambda data: data.__delitem__(slice(-16, None)))
    add("another provider of the same length", change=lambda data: data.__setitem__(slice(31 + 25, 31 + 31), b"gitlab"), at="gitlab")
    add("a tag of zeros", change=lambda data: data.__setitem__(slice(-32, None), bytes(32)))
    for name, tag in {
        "with the key that encrypts": lambda keys, nonce, text: ref.mac(keys.enc, ref.lp(keys.associated_data(SIGNED)) + nonce + ref.lp(text)),
        "with the key of the binding": lambda keys, nonce, text: ref.mac(keys.flow, ref.lp(keys.associated_data(SIGNED)) + nonce + ref.lp(text)),
        "for the encrypted form": lambda keys, nonce, text: ref.mac(keys.sign, ref.lp(keys.associated_data(ref.MAGIC)) + nonce + ref.lp(text)),
        "without the lengths": lambda keys, nonce, text: ref.mac(keys.sign, keys.associated_data(SIGNED) + nonce + text),
        "without the nonce": lambda keys, nonce, text: ref.mac(keys.sign, ref.lp(keys.associated_data(SIGNED)) + ref.lp(text)),
        "without the associated data": lambda keys, nonce, text: ref.mac(keys.sign, nonce + ref.lp(text)),
    }.items():
        add(name, change=signed_anew(tag))

    # The text.
    add("cut short", state=v.state("signed, cut short", magic=SIGNED)[:80])
    add("with padding", state=v.state("signed, with padding", magic=SIGNED, redirect=b"w") + "=")
    add("another spelling of the last character", state=respelled(v.state("signed, another spelling", magic=SIGNED, redirect=b"w")))

    # Keys.
    add("a key of somebody else's", root=77)
    add("another environment", flow="signed staging")
    add("another application", app="other")
    add("a key that is retired", flow="signed rotating", root=1)
    add("a key that is revoked", flow="signed rotating", root=5)
    add("a link where logins end", state=v.state("signed, a link", magic=SIGNED, purpose="link", user=USER), user=USER)

    # Authentic, and refused.
    add("a flag of the future", plaintext=NOW.to_bytes(4, "big") + (600).to_bytes(2, "big") + bytes([0, 0b1_0000]) + bytes(16) + b"\x06github\0\0\0")
    add("a connection where none are loaded", state=v.state("signed, a connection", magic=SIGNED, connection=ACME))
    add("a path of another site", return_to=b"//evil.example")
    add("a link without a user", flow="signed account", purpose="link", user=USER)
    add("a second too late", now=NOW + 660)
    add("a second too far ahead", now=NOW - 61)
    add("the callback of another provider", at="gitlab")
    add("the cookie of another browser", kind="cookie", binding=cookies(cookie_header(OTHER_SECRET)))
    add("another session", binding=session(OTHER_SESSION))
    add("another user", state=v.state("signed, another user", magic=SIGNED, user=USER), user=OTHER_USER)
    add("iss of another", at="google", provider=b"google", more="&iss=https%3A%2F%2Fevil.example")
    add("data of another type", flow="signed typed", data=b'"text"')


# Inputs of a state that are not in its vector.
SEALED_FIELDS = {"root", "purpose", "environment", "kind", "secret", "issued_at", "lifetime", "restarts", "provider", "tenant", "redirect", "return_to", "data", "plaintext", "app"}


def changed(state, change):
    data = bytearray(ref.decode(state))
    change(data)
    return ref.encode(bytes(data))


def flip(index):
    def change(data):
        data[index] ^= 1

    return change


def flipped(state, index):
    return changed(state, flip(index))


def under(magic, state):
    return changed(state, lambda data: data.__setitem__(slice(0, 3), magic))


def signed_anew(tag):
    """Another tag for the login flow's state, computed from its keys, nonce and text."""

    def change(data):
        keys = Keys(key(1), "login", "shop", "production")
        data[-32:] = tag(keys, bytes(data[7:31]), bytes(data[31:-32]))

    return change


def longer(state):
    return changed(state, lambda data: data.append(0))


def respelled(state):
    """The unused bits of the last character are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(state) % 4 in (2, 3), "no bits are unused"
    return state[:-1] + alphabet[alphabet.index(state[-1]) | 1]


def outcome(vector):
    try:
        return {"accepted": ref.check(vector, FLOWS[vector["flow"]])}
    except ref.Refused as refused:
        return {"refused": str(refused)}


SHARED = {"flows": FLOWS}
