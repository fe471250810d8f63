"""Callback queries and form_post bodies, and the parameters read from them before any check of the state."""

from callback import LONGEST, REPOSTED, parse_callback
from primitives import Refused

FILE = "callbacks.json"
SHARED = {}


def vectors():
    found = []

    def query(name, text, **padded):
        found.append({"name": name, "query": text, **padded})

    def form(name, octets):
        found.append({"name": name, "form": octets.hex()})

    def both(name, text):
        query(name, text)
        form(name + ", as a form", text.encode())

    # Accepted.
    both("a code", "state=s&code=c")
    query("in another order, with others between", "scope=a&code=c&x=&state=s&y=1")
    query("an error", "state=s&error=access_denied&error_description=The+person+said+no&error_uri=https%3A%2F%2Fp.example%2F")
    query("an error that nobody registered", "state=s&error=strange%20thing")
    query("an error in Facebook's words", "state=s&error_code=901&error_message=App+not+set+up")
    query("a denial in Facebook's words", "state=s&error_reason=user_denied&error_code=200")
    query("Facebook's words beside an error", "state=s&error=access_denied&error_reason=user_denied")
    query("Facebook's words beside a code", "state=s&code=c&error_code=1")
    query("an error code without a value", "state=s&code=c&error_code=")
    query("an iss", "state=s&code=c&iss=https%3A%2F%2Faccounts.example")
    query("an iss with octets beyond ASCII", "state=s&code=c&iss=https%3A%2F%2Fm%C3%BCnchen.example")
    both("a plus is a blank", "state=s&code=a+b%2Bc")
    query("decoded once", "state=s%2573&code=%2541")
    query("a percent sign without two digits stands for itself", "state=s&code=%&x=%4&y=%zz&z=%4%41")
    query("hexadecimal digits of both cases", "state=s&code=%2f%2F%7e%7E")
    query("a name that is percent-encoded", "%73tate=s&c%6Fde=c")
    query("an equals sign within a value", "state=s=t==&code==c")
    query("ampersands without anything between", "&&state=s&&code=c&")
    query("an empty name", "state=s&code=c&=x")
    query("a name without an equals sign", "state=s&code=c&flag")
    query("a semicolon parts nothing", "state=s&code=a;error=b")
    query("an error without a value beside a code", "state=s&code=c&error=&iss=")
    query("a code without a value beside an error", "state=s&code=&error=e")
    query("names in capitals are others", "state=s&code=c&State=t&CODE=d&Error=e")
    query("names with blanks are others", "state=s&code=c&+state=t&code+=d&error%00=e")
    query("array brackets are part of a name", "state=s&code=c&state[]=t&code%5B%5D=d")
    query("a question mark and a hash are part of a value", "state=s&code=c?x#y")
    query("letters beyond ASCII as they stand", "state=s&code=c&name=Zo\u00eb")
    query("two names that mean nothing in a response", "state=s&code=c&flag&flag")
    query("two names that are no UTF-8", "state=s&code=c&%ff=1&%fe=2")
    query("octets that are no UTF-8", "state=s&code=c&x=%ff%C3%28%E2%82")
    form("raw octets that are no UTF-8", b"state=s&code=c&x=\xff\xc3(\xe2\x82")
    form("a form of Apple's", b"state=s&code=c&id_token=x.y.z&user=%7B%22name%22%3A%7B%22firstName%22%3A%22A%22%7D%7D")
    query("a code of every printable character", "state=s&code=%20!%22%23%24%25%26%27%28%29*%2B,-./09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D%7E")
    query("a state that is nothing of ours", "state=%00%F0%9F%98%80&code=c")
    query("an error of 200 characters", "state=s&error=" + "e" * 200)
    query("sixty-four parameters", "state=s&code=c" + "".join(f"&p{number}=" for number in range(62)))
    form("sixty-four parameters, posted once more", ("state=s&code=c" + "".join(f"&p{number}=" for number in range(62)) + f"&{REPOSTED}=1").encode())
    query("the longest", "state=s&code=c", padded_to=LONGEST)

    # Refused.
    query("nothing", "")
    query("no state", "code=c")
    query("a state without a value", "state=&code=c")
    query("a state without an equals sign", "state&code=c")
    query("an error without a state", "error=access_denied&error_description=hello")
    query("code and error without a state", "code=c&error=e")
    query("a state in capitals alone", "STATE=s&code=c")
    query("behind a question mark", "?state=s&code=c")
    both("two states", "state=s&state=s&code=c")
    query("two states, one of them empty", "state=s&state=&code=c")
    query("two states, one of them percent-encoded", "state=s&%73%74%61%74%65=t&code=c")
    query("two codes", "state=s&code=c&code=d")
    query("two errors", "state=s&error=e&error=e")
    query("two values of iss", "state=s&code=c&iss=a&iss=b")
    query("two of another parameter", "state=s&code=c&user=a&user=b")
    query("two reasons", "state=s&error_reason=user_denied&error_reason=x")
    query("an error code that is not printable", "state=s&error_code=%00")
    query("two marks of a second posting", f"state=s&code=c&{REPOSTED}=1&{REPOSTED}=1")
    query("two states and no code", "state=s&state=t")
    query("code and error", "state=s&code=c&error=access_denied")
    form("code and error, as a form", b"error=e&code=c&state=s")
    query("neither code nor error", "state=s")
    query("code and error without a value", "state=s&code=&error=")
    query("a code with a zero", "state=s&code=a%00b")
    query("a code with a line end", "state=s&code=a%0D%0Ab")
    query("a code that is no UTF-8", "state=s&code=%ff")
    query("a code with a tab", "state=s&code=a%09")
    query("a code that ends in a delete", "state=s&code=c%7F")
    query("an error beyond ASCII", "state=s&error=%C3%A9")
    form("an error with a raw octet", b"state=s&error=\xe9")
    query("an error of 201 characters", "state=s&error=" + "e" * 201)
    query("sixty-five parameters", "state=s&code=c" + "".join(f"&p{number}=" for number in range(63)))
    form("sixty-five parameters and a mark", ("state=s&code=c" + "".join(f"&p{number}=" for number in range(63)) + f"&{REPOSTED}=1").encode())
    query("one octet too long", "state=s&code=c", padded_to=LONGEST + 1)
    return found


def outcome(vector):
    octets = bytes.fromhex(vector["form"]) if "form" in vector else vector["query"].ljust(vector.get("padded_to", 0), "&").encode()
    try:
        return {"accepted": parse_callback(octets)}
    except Refused as refused:
        return {"refused": str(refused)}
