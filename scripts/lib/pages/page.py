"""Puts what was measured between the marks of a page."""

import pathlib


def write(page, text, part=""):
    path = pathlib.Path(page)
    mark = f"bench {part}".strip()
    start, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, rest = path.read_text().split(start)
    path.write_text(before + start + text + end + rest.split(end)[1])
    print(text)
