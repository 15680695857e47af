"""A drawing together with its description in words."""

import base64
import io


class Picture:
    """A matplotlib figure and its description in words (`alt`), for eyes, for screen readers and for tests of the text.

    As the last line of a cell it shows itself. It does not pass through pyplot, so no figure is ever left open.
    """

    def __init__(self, figure, alt):
        self.figure, self.alt = figure, alt

    def png(self):
        """The drawing as PNG bytes."""
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
