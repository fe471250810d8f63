"""Values derived from a root key: docs/wire-format.md, "Keys" and "Binding"."""

import hashlib

from primitives import encode, lp, mac

MAGIC = bytes.fromhex("a2cb75")
FORMS = {"ost1": MAGIC.hex(), "osm1": "a2c9b5", "osr1": "a2caf5", "osp1": "a2ca75", "osx1": "a2cc75", "oss1": "a2cb35"}
SIGNED = bytes.fromhex(FORMS["oss1"])
KINDS = {"unbound": 0, "cookie": 1, "session": 2, "client_secret": 3}


def context(purpose, app, environment):
    return lp(purpose.encode()) + lp(app.encode()) + lp(environment.encode())


class Keys:
    """Values derived from a root key for one purpose, application and environment."""

    def __init__(self, root, purpose, app, environment):
        around = context(purpose, app, environment)
        derive = lambda label: mac(root, lp(b"oauth-state/v1/" + label) + around)
        self.purpose, self.enc, self.flow = purpose, derive(b"enc"), derive(b"flow")
        self.sign = derive(b"sign")
        self.id = derive(b"key-id")[:4]
        self.around = around

    def associated_data(self, magic, label=None):
        label = label or (b"signed" if magic == SIGNED else b"encrypted")
        return lp(b"oauth-state/v1/" + label) + lp(magic) + lp(self.id) + self.around


def root_key_checksum(key):
    return encode(hashlib.sha256(lp(b"oauth-state/v1/root-key-checksum") + key).digest()[:6])


def root_key_text(key):
    return f"osk1.{encode(key)}.{root_key_checksum(key)}"


def root_key_id(key):
    return mac(key, lp(b"oauth-state/v1/root-key-id"))[:8].hex()


def expand(keys, kind, secret, nonce):
    derive = lambda label: mac(keys.flow, MAGIC + bytes([kind]) + secret + nonce[:16] + bytes([label]))
    return {"tag": derive(1)[:16], "code_verifier": encode(derive(2)), "nonce": encode(derive(3)), "row": derive(6)}


def code_challenge(code_verifier):
    return encode(hashlib.sha256(code_verifier.encode()).digest())


def user_tag(keys, nonce, user):
    return mac(keys.flow, MAGIC + b"\x04" + nonce + lp(user))[:16]


def connection_tag(keys, nonce, issuer, client_id, authorization_endpoint, redirect_uri):
    parts = (issuer, client_id, authorization_endpoint, redirect_uri)
    return mac(keys.flow, MAGIC + b"\x07" + nonce[:16] + b"".join(lp(part.encode()) for part in parts))[:8]


def session_secret(session_id):
    return hashlib.sha256(lp(b"oauth-state/v1/session") + session_id).digest()


def cookie_stem(app, environment):
    digest = hashlib.sha256(lp(b"oauth-state/v1/cookie-name") + lp(app.encode()) + lp(environment.encode())).hexdigest()
    return f"__Host-{digest[:8]}-"
