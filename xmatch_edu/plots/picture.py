"""A drawing together with its description in words."""

import base64
import io
from functools import cached_property


class Picture:
    """A matplotlib figure and its description in words (`alt`), for eyes, for screen readers and for tests of the text.

    figure: a Figure, or a function that draws it, which is called when the picture is first looked at.
    As the last line of a cell it shows itself. It does not pass through pyplot, so no figure is ever left open.
    """

    def __init__(self, figure, alt):
        self._figure, self.alt = figure, alt

    @cached_property
    def figure(self):
        """The matplotlib Figure, drawn when it is first asked for."""
        return self._figure() if callable(self._figure) else self._figure

    def png(self):
        """The drawing -> the bytes of a PNG."""
        buffer = io.BytesIO()
        self.figure.savefig(
            buffer, format="png", dpi=100, bbox_inches="tight", facecolor="white", metadata={"Software": None}
        )
        return buffer.getvalue()

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}
