"""What all live pictures share: the still twin beside the widget, the figure without a kernel, the common script.

Each picture keeps its own numbers, traits and words. parts.js beside this file is what their scripts share.
"""

import base64
import html
import json
from pathlib import Path

import anywidget
import traitlets
from matplotlib import colormaps

PAGE = "application/vnd.xmatch_edu.live+json"  # the output from which a page without a kernel is made
_PARTS = Path(__file__).with_name("parts.js")


def script(own):
    """The JavaScript of a picture -> str: parts.js, then its own file. One module, so that a page asks for no other."""
    return _PARTS.read_text("utf-8") + own.read_text("utf-8")


def colours(name):
    """The 256 colours of the colour map of this name -> hexadecimal, three bytes each."""
    return bytes(colormaps[name](range(256), bytes=True)[:, :3]).hex()


def figure(kind, state, *, alt, png, name="explorer"):
    """A live picture as a piece of a page, alive without kernel or network -> str of HTML.

    kind: a LivePicture's class, or a picture of it (anywidget gives each picture a class of its own, whose `_esm` is
    no text). state: its traits, as `LivePicture.page_state` gives them. alt, png: of the still picture, which a page
    without JavaScript shows. name: of this figure, another for each figure of a page.
    """
    return _FIGURE.format(
        name=name, alt=html.escape(alt), png=base64.b64encode(png).decode(), script=kind._esm,
        state=json.dumps(state, allow_nan=False).replace("<", "\\u003c"),  # no caption may end the script
    )  # fmt: skip


class LivePicture(anywidget.AnyWidget):
    """A picture that a browser redraws at every move. Each kind has its `_esm`, its `_state`, a title and `still()`.

    Its traits are plain ones: its `_check` says what each may hold, and turns it into what JSON can carry.
    """

    _state = ()  # the traits that say what is on show
    _title = ""
    needs_kernel = False  # True where the answers come from Python
    data = traitlets.Dict(read_only=True).tag(sync=True)  # what never changes

    def still(self):
        """The picture as it stands as a `plots.Picture`, for pages where nothing runs."""
        raise NotImplementedError

    def page_state(self):
        """What a page without a kernel starts from -> {trait: value}."""
        return {name: getattr(self, name) for name in (*self._state, "data")}

    def __repr__(self):
        return self.still().alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        still, metadata = self.still()._repr_mimebundle_()
        live, _ = super()._repr_mimebundle_()
        # Stored with the notebook, and compared when that runs again: past six digits machines differ.
        page = {PAGE: {"kind": type(self).__name__, "state": _short(self.page_state())}}
        return {**live, **still, **({} if self.needs_kernel else page)}, metadata

    def html(self, *, title=None, credit=""):
        """A page that stays alive without kernel or network -> str. credit: a line for whoever made the pictures.

        Errors: TypeError where the picture's answers come from Python.
        """
        if self.needs_kernel:
            raise TypeError("its answers come from Python: it needs a kernel, and cannot be a page of its own; "
                            "save still() instead")  # fmt: skip
        picture = self.still()
        return _WHOLE.format(
            title=html.escape(title or self._title), credit=html.escape(credit),
            figure=figure(self, self.page_state(), alt=picture.alt, png=picture.png()),
        )  # fmt: skip

    def save(self, path, *, title=None, credit=""):
        """Write `html()` into the file `path`. title, credit: as there. Errors: those of `html`."""
        Path(path).write_text(self.html(title=title, credit=credit), "utf-8")


def _short(value):
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list | tuple) else value


# The model that a kernel would keep, in a few lines: the figure needs get, set and the news that something changed.
_FIGURE = """<div class="live-picture" id="{name}"></div>
<noscript><img alt="{alt}" src="data:image/png;base64,{png}"></noscript>
<script type="application/json" id="{name}-state">{state}</script>
<script type="module">
{script}
const el = document.getElementById("{name}"), listeners = {{}};
const state = JSON.parse(document.getElementById("{name}-state").textContent);
el.model = {{
  get: (name) => state[name],
  set(name, value) {{ state[name] = value; for (const hear of listeners["change:" + name] ?? []) hear(); }},
  on(name, hear) {{ (listeners[name] ??= []).push(hear); }}, off() {{}}, save_changes() {{}},
}};
render({{ model: el.model, el }});
</script>"""

_WHOLE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>:root {{ color-scheme: light dark; }} body {{ margin: 1rem; font-family: system-ui, sans-serif; }}</style></head>
<body><main>
{figure}
</main><p><small>{credit}</small></p></body></html>
"""
