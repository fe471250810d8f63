"""Building blocks of the wire format: lengths, HMAC, canonical base64url, XAES-256-GCM, names."""

import base64
import hashlib
import hmac
import re

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NAME = re.compile(r"[a-z0-9._-]{1,32}\Z")
PROVIDER = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}\Z")


class Refused(Exception):
    """The refusal of a callback or key ring, with its code."""


def lp(field):
    return len(field).to_bytes(2, "big") + field


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    """Decodes the canonical spelling; None for any other."""
    if re.fullmatch(r"[A-Za-z0-9_-]*", text) is None or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if encode(data) == text else None


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
