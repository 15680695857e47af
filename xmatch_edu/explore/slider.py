"""One slider over one still picture: the plainest live picture there is, redrawn in Python at every move."""

import base64
import html

import ipywidgets


class Slider(ipywidgets.VBox):
    """A number under a slider, and the picture that belongs to it.

    draw: a function of the number -> `plots.Picture`. name: the words before the slider. low, high, step, value: its
    range and its first position. Drag it, or use the arrow keys. Where no kernel runs (a web page, a print-out), the
    picture at the first position shows instead. Errors: those of `draw`, and ipywidgets' own for an impossible range.
    """

    def __init__(self, draw, *, name, low, high, step, value):
        self._draw = draw
        self._picture = draw(value)
        self.slider = ipywidgets.FloatSlider(
            value, min=low, max=high, step=step, description=name, style={"description_width": "initial"}
        )
        self._view = ipywidgets.HTML(_image(self._picture))
        self.slider.observe(self._redraw, "value")
        super().__init__([self.slider, self._view])

    def _redraw(self, change):
        self._picture = self._draw(change["new"])
        self._view.value = _image(self._picture)

    @property
    def picture(self):
        """The `plots.Picture` on show."""
        return self._picture

    def _repr_mimebundle_(self, include=None, exclude=None):
        still, metadata = self._picture._repr_mimebundle_()
        live = super()._repr_mimebundle_()
        return {**live, **still}, metadata


def _image(picture):
    data = base64.b64encode(picture.png()).decode()
    return f'<img alt="{html.escape(picture.alt)}" src="data:image/png;base64,{data}">'
