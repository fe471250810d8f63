"""The callback's parameters: docs/wire-format.md, "Callback"."""

from urllib.parse import unquote_to_bytes

from primitives import Refused

LONGEST = 32_768
MOST_PARAMETERS = 64
LONGEST_ERROR = 200
REPOSTED = "oauth_state_reposted"
RESPONSE = """state code error error_description error_uri error_code error_message error_reason iss id_token access_token token_type expires_in scope
    response session_state user""".split() + [REPOSTED]


def parameters(octets):
    """Names and values of `application/x-www-form-urlencoded`, in their order."""
    for piece in octets.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            yield tuple(unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "replace") for part in (name, value))


def parse_callback(octets, may_lack_an_answer=False):
    """Each parameter once, and what is empty counts as absent. A callback of a logout, for example, may have neither code nor error."""
    if len(octets) > LONGEST:
        raise Refused("too_long")
    seen = {}
    for position, (name, value) in enumerate(parameters(octets)):
        if position >= MOST_PARAMETERS and name != REPOSTED:
            raise Refused("too_long")
        if name in seen:
            if name in RESPONSE:
                raise Refused("duplicate_parameter")
            continue
        seen[name] = value
    given = {name: value for name, value in seen.items() if value}
    words = given.get("error_reason", given.get("error_code"))
    if words is not None and "code" not in given and "error" not in given:
        given["error"] = {"user_denied": "access_denied"}.get(words, words)
    if "state" not in given:
        raise Refused("missing_state")
    if "code" in given and "error" in given:
        raise Refused("code_and_error")
    if "code" not in given and "error" not in given and not may_lack_an_answer:
        raise Refused("code_missing")
    if not all("\x20" <= character <= "\x7e" for character in given.get("code", given.get("error", ""))):
        raise Refused("malformed")
    if len(given.get("error", "")) > LONGEST_ERROR:
        raise Refused("too_long")
    others = {name: value for name, value in seen.items() if name not in ("state", "code", "error", "iss", REPOSTED)}
    return {**{name: given[name] for name in ("state", "code", "error", "iss") if name in given}, "others": others}
