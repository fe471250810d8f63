"""Values derived from a root key, a binding and a nonce."""

import hashlib
import json

from derivations import FORMS, KINDS, Keys, code_challenge, connection_tag, cookie_stem, expand, root_key_id, root_key_text, session_secret, user_tag
from primitives import decode, encode, xaes

FILE = "derived.json"
SHARED = {}


def drawn(what):
    """32 reproducible bytes."""
    return hashlib.sha256(b"oauth-state vectors, " + what.encode()).digest()


def vectors():
    found = []

    def add(name, *, key="key 1", purpose="login", app="shop", environment="production", form="ost1", binding=None, user=None, nonce=None, row=None, connection=None):
        vector = {"name": name, "root_key": drawn(key).hex(), "purpose": purpose, "app": app, "environment": environment, "form": form}
        vector["nonce"] = drawn("nonce of " + name)[:24].hex() if nonce is None else nonce.hex()
        vector["binding"] = binding or {"kind": "session", "id": b"0123456789abcdef".hex()}
        if user is not None:
            vector["user"] = user.hex()
        if row is not None:
            vector["row"] = row
        if connection is not None:
            vector["connection"] = dict(zip(["issuer", "client_id", "authorization_endpoint", "redirect_uri"], connection))
        found.append(vector)

    cookie = {"kind": "cookie", "value": encode(drawn("browser"))}
    client = {"kind": "client_secret", "text": encode(drawn("client"))}
    session = lambda id: {"kind": "session", "id": id.hex()}
    same = drawn("the same nonce")[:24]

    add("a login in a session")
    add("a login by a cookie", binding=cookie)
    add("a login of a client with a secret", binding=client)
    add("a login that is bound to nothing", binding={"kind": "unbound"})
    # One thing changed at a time, under one nonce.
    add("one nonce", nonce=same, binding=cookie)
    add("one nonce, another root key", nonce=same, binding=cookie, key="key 2")
    add("one nonce, another environment", nonce=same, binding=cookie, environment="staging")
    add("one nonce, another application", nonce=same, binding=cookie, app="shop2")
    add("one nonce, a letter moved between the names", nonce=same, binding=cookie, app="shopp", environment="roduction")
    add("one nonce, to link", nonce=same, binding=cookie, purpose="link", user=b"user-42")
    add("one nonce, to reauthenticate", nonce=same, binding=cookie, purpose="reauthenticate", user=b"user-42")
    add("one nonce, a purpose of one's own called login", nonce=same, binding=cookie, purpose="custom:login")
    add("one nonce, the cookie's secret as a client's", nonce=same, binding={"kind": "client_secret", "text": cookie["value"]})
    add("one nonce, another secret", nonce=same, binding={"kind": "cookie", "value": encode(drawn("another browser"))})
    add("one nonce, a handle", nonce=same, binding=cookie, form="osr1", row="42")
    add("a nonce that differs in its last bit alone, which is no part of the replay id", nonce=same[:-1] + bytes([same[-1] ^ 1]), binding=cookie, user=b"user-42")
    add("a nonce that differs in the last bit of its replay id", nonce=same[:15] + bytes([same[15] ^ 1]) + same[16:], binding=cookie, user=b"user-42")
    add("to log out", purpose="logout")
    # The limits of every range.
    add("the shortest session id", binding=session(bytes(16)))
    add("the longest session id", binding=session(b"s" * 1024))
    add("a session id of any octets", binding=session(bytes(range(224, 256))))
    add("the shortest user id", user=b"u")
    add("the longest user id", user=b"u" * 1024)
    add("a user id that is no text", user=b"\x00\xff\xfe")
    add("user ids are not trimmed", user=b" user-42\n")
    add("the shortest names", app="a", environment="0")
    add("the longest names", app="a" * 32, environment="._-" * 10 + "zz")
    add("the longest purpose", purpose="custom:" + "p" * 32)
    add("a nonce of zeros", nonce=bytes(24))
    add("a nonce of ones", nonce=b"\xff" * 24)
    add("a secret of zeros in a cookie", binding={"kind": "cookie", "value": encode(bytes(32))})
    # Handles and rows.
    add("a row in the memory of a process", form="osm1", row='{"cart":[1,2,3]}')
    add("a row in Redis", form="osr1", row='"text"')
    add("a row in Postgres", form="osp1", binding=cookie, row="null")
    add("a row in a store of the caller's", form="osx1", row="[" + ",".join(["1234567"] * 40) + "]")
    add("a row of a link", form="osp1", purpose="link", user=b"user-42", row="true")
    # Providers that the application loads at run time.
    acme = ("https://login.acme.example", "client-7", "https://login.acme.example/authorize", "https://shop.example/auth/acme/callback")
    add("a connection", connection=acme)
    add("one nonce, a connection", nonce=same, binding=cookie, connection=acme)
    add("one nonce, a connection with another client id", nonce=same, binding=cookie, connection=(acme[0], "client-8", *acme[2:]))
    add("one nonce, a connection with another issuer", nonce=same, binding=cookie, connection=("https://login.bolt.example", *acme[1:]))
    add("one nonce, a connection with another authorization endpoint", nonce=same, binding=cookie, connection=(*acme[:2], "https://login.acme.example/authorize2", acme[3]))
    add("one nonce, a connection with another redirect_uri", nonce=same, binding=cookie, connection=(*acme[:3], "https://shop.example/auth/callback"))
    add("one nonce, a letter moved between the connection's names", nonce=same, binding=cookie, connection=("https://login.acme.examplec", "lient-7", *acme[2:]))
    add("a connection without an issuer", connection=("", *acme[1:]))
    add("a connection without an endpoint", connection=(*acme[:2], "", acme[3]))
    add("a connection of a user", user=b"user-42", purpose="link", connection=acme)
    # The signed form: its own key and associated data, and the same tags.
    add("signed, a login in a session", form="oss1")
    add("signed, one nonce", form="oss1", nonce=same, binding=cookie)
    add("signed, one nonce, another environment", form="oss1", nonce=same, binding=cookie, environment="staging")
    add("signed, one nonce, to link", form="oss1", nonce=same, binding=cookie, purpose="link", user=b"user-42")
    add("signed, the longest names", form="oss1", app="a" * 32, environment="._-" * 10 + "zz", purpose="custom:" + "p" * 32)
    return found


def secret_of(binding):
    if binding["kind"] == "session":
        return session_secret(bytes.fromhex(binding["id"]))
    return {"cookie": lambda: decode(binding["value"]), "client_secret": lambda: decode(binding["text"]), "unbound": lambda: bytes(32)}[binding["kind"]]()


def outcome(vector):
    root, nonce, magic = bytes.fromhex(vector["root_key"]), bytes.fromhex(vector["nonce"]), bytes.fromhex(FORMS[vector["form"]])
    keys = Keys(root, vector["purpose"], vector["app"], vector["environment"])
    secret = secret_of(vector["binding"])
    login = expand(keys, KINDS[vector["binding"]["kind"]], secret, nonce)
    derived = {
        "root_key_text": root_key_text(root), "root_key_id": root_key_id(root), "key_id": keys.id.hex(),
        "K_enc": keys.enc.hex(), "K_flow": keys.flow.hex(), "K_row": login["row"].hex(),
        "associated_data": keys.associated_data(magic).hex(), "cookie_name_begins_with": cookie_stem(vector["app"], vector["environment"]),
        "secret": secret.hex(), "binding_tag": login["tag"].hex(), "code_verifier": login["code_verifier"],
        "code_challenge": code_challenge(login["code_verifier"]), "nonce": login["nonce"], "replay_id": nonce[:16].hex(),
    }
    if vector["form"] == "oss1":
        derived["K_sign"] = keys.sign.hex()
    if "user" in vector:
        derived["user_tag"] = user_tag(keys, nonce, bytes.fromhex(vector["user"])).hex()
    if "connection" in vector:
        derived["connection_tag"] = connection_tag(keys, nonce, **vector["connection"]).hex()
    if "row" in vector:
        derived["row_associated_data"] = keys.associated_data(magic, b"row").hex()
        cipher, half = xaes(login["row"], nonce)
        derived["row_value"] = cipher.encrypt(half, vector["row"].encode(), keys.associated_data(magic, b"row")).hex()
        json.loads(vector["row"])
    return derived
