"""What all live pictures share: the still twin beside the widget, the page without a kernel, the common script.

Each picture keeps its own numbers, traits and words. parts.js beside this file is what their scripts share.
"""

import base64
import html
import json
from pathlib import Path

import anywidget
import traitlets
from matplotlib import colormaps

_PARTS = Path(__file__).with_name("parts.js")


def script(own):
    """The JavaScript of a picture: parts.js, then its own file. One module, so that a page asks for no second file."""
    return _PARTS.read_text("utf-8") + own.read_text("utf-8")


def colours(name):
    """The 256 colours of a colour map as hexadecimal, three bytes each."""
    return bytes(colormaps[name](range(256), bytes=True)[:, :3]).hex()


class LivePicture(anywidget.AnyWidget):
    """A picture that a browser redraws at every move. Each kind has its `_esm`, its `_state`, a title and `still()`."""

    _state = ()  # the traits that say what is on show
    _title = ""
    data = traitlets.Dict(read_only=True).tag(sync=True)  # what never changes

    def still(self):
        """The picture as it stands as a `plots.Picture`, for pages where nothing runs."""
        raise NotImplementedError

    def __repr__(self):
        return self.still().alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        still, metadata = self.still()._repr_mimebundle_()
        live, _ = super()._repr_mimebundle_()
        return {**live, **still}, metadata

    def html(self, *, title=None, credit=""):
        """A page that stays alive without kernel or network -> str. credit: a line for whoever made the pictures."""
        state = {name: getattr(self, name) for name in (*self._state, "data")}
        picture = self.still()
        words = {"title": title or self._title, "credit": credit, "alt": picture.alt}
        return _PAGE.format(
            **{name: html.escape(text) for name, text in words.items()},
            png=base64.b64encode(picture.png()).decode(),
            state=json.dumps(state, allow_nan=False).replace("<", "\\u003c"),  # no caption may end the script
            script=self._esm,
        )

    def save(self, path, *, title=None, credit=""):
        """Write `html()` into a file."""
        Path(path).write_text(self.html(title=title, credit=credit), "utf-8")


# The model that a kernel would keep, in a few lines: the page needs get, set and the news that something changed.
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark; }} body {{ margin: 1rem; font-family: system-ui, sans-serif; }}</style></head>
<body><main id="explorer"></main><noscript><img alt="{alt}" src="data:image/png;base64,{png}"></noscript>
<p><small>{credit}</small></p><script type="application/json" id="state">{state}</script>
<script type="module">
{script}
const state = JSON.parse(document.getElementById("state").textContent), listeners = {{}};
window.model = {{
  get: (name) => state[name],
  set(name, value) {{ state[name] = value; for (const hear of listeners["change:" + name] ?? []) hear(); }},
  on(name, hear) {{ (listeners[name] ??= []).push(hear); }}, off() {{}}, save_changes() {{}},
}};
render({{ model: window.model, el: document.getElementById("explorer") }});
</script></body></html>
"""
