"""What an answer is told: one of three outcomes, in words, and a picture where there is one to show.

Here live the words' form on the page and in plain text. Who is right is decided in `engine`.
"""

import base64
import html
from dataclasses import dataclass

from xmatch_edu.plots import Picture

PASS, WRONG, NOT_ATTEMPTED = "pass", "wrong", "not attempted"
_HEADS = {PASS: "Right.", WRONG: "Not yet.", NOT_ATTEMPTED: "Not attempted."}
_SIGNS = {PASS: ("✓", "#2e7d32"), WRONG: ("✗", "#b3541e"), NOT_ATTEMPTED: ("○", "#777777")}  # told apart without colour


@dataclass(frozen=True)
class Result:
    """outcome: "pass", "wrong" or "not attempted". misconception: its name, or None. sentences: what happened and why.

    numbers: computed beside expected, as lines to be set in columns. picture: yours beside the right one.
    As the last line of a cell it shows itself; it raises nothing, so Run All goes on.
    """

    exercise: str
    outcome: str
    sentences: tuple[str, ...] = ()
    misconception: str | None = None
    numbers: str = ""
    picture: Picture | None = None

    def __repr__(self):
        return _sendable(self._text())

    def _text(self):
        head = f"{_SIGNS[self.outcome][0]} {self.exercise}: {_HEADS[self.outcome]}"
        named = [f"This looks like: {self.misconception}."] if self.misconception else []
        alt = [self.picture.alt] if self.picture else []
        return "\n".join([head, *named, *self.sentences, *filter(None, [self.numbers]), *alt])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": _sendable(self._page())}

    def _page(self):
        sign, colour = _SIGNS[self.outcome]
        head = f"<b>{sign} {html.escape(self.exercise)}: {_HEADS[self.outcome]}</b>"
        if self.misconception:
            head += f" This looks like: <b>{html.escape(self.misconception)}</b>."
        lines = [head, *(f"<br>{html.escape(sentence)}" for sentence in self.sentences)]
        if self.numbers:
            lines.append(f"<pre style='margin: 0.7em 0'>{html.escape(self.numbers)}</pre>")
        if self.picture:
            png = base64.b64encode(self.picture.png()).decode()
            lines.append(f"<p>{html.escape(self.picture.alt)}</p>")
            alt = "Heatmaps side by side: yours, the right one and the difference, as described above"
            lines.append(f'<img alt="{alt}" style="max-width: 100%" src="data:image/png;base64,{png}">')
        style = f"border-left: 4px solid {colour}; padding: 2px 12px; max-width: 52em"
        return f'<div style="{style}">{"".join(lines)}</div>'


def _sendable(text):
    """Half a letter, as in "\\ud800", cannot be sent to a page; it is written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
