"""`Cookie` headers, and the cookies of a kind that bind a login, in the order in which they are tried."""

from cookies import valid_cookies
from derivations import cookie_stem
from primitives import encode

FILE = "cookies.json"
SHARED = {}
STEM = cookie_stem("shop", "production").encode()
SECRET, OTHER, THIRD = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))


def cookie(suffix=b"AAAAAAAA", secret=SECRET, letter=b"l", stem=STEM):
    return stem + letter + b"-" + suffix + b"=" + encode(secret).encode()


def written(header):
    """Text if it is printable ASCII, otherwise its bytes in hexadecimal."""
    return header.decode() if all(0x20 <= octet <= 0x7E for octet in header) else {"hex": header.hex()}


def octets(header):
    return bytes.fromhex(header["hex"]) if isinstance(header, dict) else header.encode()


def vectors():
    found = []

    def add(name, *headers, letter="l", environment="production"):
        found.append({"name": name, "app": "shop", "environment": environment, "letter": letter, "headers": [written(header) for header in headers]})

    ours = cookie()
    name, value = ours.split(b"=")

    # Accepted.
    add("the one cookie", ours)
    add("one for form_post", cookie(letter=b"n"), letter="n")
    add("in another environment", cookie(stem=cookie_stem("shop", "staging").encode()), environment="staging")
    add("last of many", b"theme=dark; lang=en; " + ours)
    add("without a blank after the semicolon", b"a=b;" + ours + b";c=d")
    add("blanks and tabs around it", b" \t" + ours + b"\t ; a=b")
    add("blanks around the equals sign", name + b" \t=\t " + value)
    add("empty pairs and pairs without a name or a value", b";;=;=x;y; ;z=;" + ours + b";")
    add("a neighbour with octets that are no text", b"n=\xff\xfe\x00; " + ours + b"; \xc3\xa9=\xc3\xbc")
    add("a neighbour in quotes that holds a semicolon", b'q="a; ' + ours + b'; b"')
    add("a neighbour with a line end", b"a=b\r\n; " + ours)
    add("a very long neighbour", b"long=" + b"x" * 5000 + b"; " + ours)
    add("in the second of three headers", b"a=b", ours, b"c=d")
    add("one in each header", cookie(b"BBBBBBBB", OTHER), ours)
    add("every character that a suffix may have", cookie(b"-_09azAZ"))
    add("several, by ascending name", b"; ".join([cookie(b"zzzzzzzz", THIRD), cookie(b"aaaaaaaa", OTHER), cookie(b"ZZZZZZZZ")]))
    add("ascending by octets", b"; ".join([cookie(b"_AAAAAAA"), cookie(b"aAAAAAAA", OTHER), cookie(b"-AAAAAAA", THIRD), cookie(b"0AAAAAAA", bytes(32))]))
    add("one name with two values, by ascending secret", b"; ".join([cookie(secret=b"\xff" * 32), cookie(secret=b"\x00" * 32)]))
    add("secrets ascend by octets, not by their text", b"; ".join([cookie(secret=b"\xd0" + bytes(31)), cookie(secret=b"\x70" + bytes(31))]))
    add("the same cookie twice", ours, ours)
    add("a valid one beside one that is not", b"; ".join([name + b"=short", cookie(b"BBBBBBBB", OTHER)]))
    many = [cookie(b"%08d" % number, bytes([number]) * 32) for number in range(66)]
    add("sixty-four of sixty-six", b"; ".join(reversed(many)))
    add("sixty-four of sixty-six, a header each", *many[33:], *many[:33])

    # Not accepted.
    add("no header")
    add("an empty header", b"")
    add("other cookies alone", b"theme=dark; session=" + value)
    add("the other letter", cookie(letter=b"n"))
    add("the other letter, for form_post", ours, letter="n")
    add("a letter in capitals", cookie(letter=b"L"))
    add("another environment", ours, environment="staging")
    add("a name that is percent-encoded", b"_%5fHost-" + ours[7:])
    add("a suffix that is percent-encoded", ours.replace(b"AAAAAAAA=", b"AAAAAAA%41="))
    add("a prefix in small letters", b"__host-" + ours[7:])
    add("a prefix in capitals", b"__HOST-" + ours[7:])
    add("without the prefix", ours[7:])
    add("with the prefix __Secure-", b"__Secure-" + ours[7:])
    add("a digit of the tag in capitals", STEM.upper().replace(b"__HOST", b"__Host") + ours[len(STEM):])
    add("a suffix of seven characters", cookie(b"AAAAAAA"))
    add("a suffix of nine characters", cookie(b"AAAAAAAAA"))
    add("a suffix with a dot", cookie(b"AAAA.AAA"))
    add("a blank within the name", ours.replace(b"-l-", b"-l -"))
    add("a value in quotes", name + b'="' + value + b'"')
    add("a value with padding", ours + b"=")
    add("a value of 42 characters", ours[:-1])
    add("a value of 44 characters", ours + b"A")
    add("a very long value", name + b"=" + b"A" * 5000)
    add("no value", name + b"=")
    add("no equals sign", name + value)
    add("a value of another alphabet", name + b"=" + b"+/" + value[2:])
    add("another spelling of the last character", ours[:-1] + bytes([ours[-1] + 1]))
    add("a percent-encoded value", name + b"=%41" + value[3:])
    add("a blank within the value", name + b"=" + value[:20] + b" " + value[21:])
    add("an octet beyond ASCII within the value", name + b"=" + value[:20] + b"\xe9" + value[21:])
    add("a line end before the name", b"\r\n" + ours)
    add("a vertical tab before the name", b"\x0b" + ours)
    add("a zero before the name", b"\x00" + ours)
    add("U+00A0 before the name", b"\xc2\xa0" + ours)
    add("U+2000 before the name", b"\xe2\x80\x80" + ours)
    add("U+0085 after the value", ours + b"\xc2\x85")
    add("behind an equals sign", b"=" + ours)
    add("separated by a comma", b"a=b, " + ours)
    add("cut in two by the end of a header", name + b"=" + value[:20], value[20:])
    add("an attribute instead of a cookie", b"$Version=1, " + ours)
    return found


def outcome(vector):
    tried = valid_cookies(map(octets, vector["headers"]), vector["app"], vector["environment"], vector["letter"])
    return {"tried": [{"name": name, "secret": secret.hex()} for name, secret in tried]}
