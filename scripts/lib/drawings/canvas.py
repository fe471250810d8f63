"""A drawing as SVG: every mark has its colors for light pages as attributes, and a style sheet replaces them on dark pages.

Programs that ignore style sheets, or that do not know CSS variables, still show the light drawing.
"""

import html

LIGHT = {
    "ink": "#1f2328", "soft": "#59636e", "line": "#d1d9e0", "paper": "#ffffff", "box": "#ddf4ff", "good": "#1a7f37", "bad": "#cf222e",
    "mint": "#dafbe1", "gray": "#eaeef2", "rose": "#ffebe9",
}  # fmt: skip
DARK = {
    "ink": "#f0f6fc", "soft": "#9198a1", "line": "#3d444d", "paper": "#0d1117", "box": "#12263f", "good": "#3fb950", "bad": "#f85149",
    "mint": "#12361f", "gray": "#262c36", "rose": "#481a1d",
}  # fmt: skip
# Inside a page of rustdoc the theme is an attribute of the root; elsewhere the system decides.
DARK_THEMES = (":root[data-theme=dark]", ":root[data-theme=ayu]")


def width_of(text):
    """The approximate width of a text, in pixels; rather too wide."""
    return 7.0 * len(text) + 18


class Canvas:
    def __init__(self, width):
        self.width, self.marks, self.used = width, [], set()

    def _colors(self, **colors):
        colors = {kind: name for kind, name in colors.items() if name}
        self.used |= set(colors.items())
        classes = " ".join(f"oauth-state-{kind}-{name}" for kind, name in colors.items())
        shown = "".join(f' {kind}="{LIGHT[name]}"' for kind, name in colors.items())
        return f' class="{classes}"{shown}'

    def text(self, x, y, text, color="ink", *, anchor=None, bold=False, size=None, backed=False):
        """A line of text; `backed` hides the lines behind it."""
        if backed:
            wide = width_of(text) - 14
            self.marks.append(f'<rect{self._colors(fill="paper")} x="{x - wide / 2:g}" y="{y - 12:g}" width="{wide:g}" height="15"/>')
        extra = (f' text-anchor="{anchor}"' if anchor else "") + (' font-weight="600"' if bold else "") + (f' font-size="{size}"' if size else "")
        self.marks.append(f'<text{self._colors(fill=color)} x="{x:g}" y="{y:g}"{extra}>{html.escape(text, quote=False)}</text>')

    def box(self, x, y, width, height, color="box", *, border="line", radius=5, dashed=False):
        dash = ' stroke-dasharray="5 3"' if dashed else ""
        self.marks.append(
            f'<rect{self._colors(fill=color, stroke=border)} x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"{dash}/>'
        )

    def path(self, d, color="soft", *, dashed=False, thin=False):
        extra = (' stroke-dasharray="4 4"' if dashed else "") + ("" if thin else ' stroke-width="1.5"')
        self.marks.append(f'<path{self._colors(stroke=color)} fill="none" d="{d}"{extra}/>')

    def svg(self, title, height):
        self.marks.insert(0, f'<rect{self._colors(fill="paper")} width="{self.width}" height="{height}" rx="6"/>')
        dark = [(f".oauth-state-{kind}-{name}", f"{{{kind}:{DARK[name]}}}") for kind, name in sorted(self.used)]
        style = ".oauth-state-drawing{max-width:100%;height:auto}"
        style += "@media(prefers-color-scheme:dark){" + "".join(f":root:not([data-theme]) {one}{rule}" for one, rule in dark) + "}"
        style += "".join(",".join(f"{theme} {one}" for theme in DARK_THEMES) + rule for one, rule in dark)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="oauth-state-drawing" viewBox="0 0 {self.width} {height}" width="{self.width}" role="img"'
            ' font-family="system-ui,sans-serif" font-size="13" text-anchor="middle">'
        )
        return "\n".join([head, f"<title>{html.escape(title, quote=False)}</title>", f"<style>{style}</style>", *self.marks, "</svg>"]) + "\n"
