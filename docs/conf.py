"""The website's settings, for Sphinx. publish/site.py lays out the pages and builds them."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

from xmatch_edu.course.publish import docstrings

# Keras is an extra, which the pages must not depend on: they need its names alone. (Sphinx's own stand-ins would
# swallow the docstrings of decorated classes.)
keras = sys.modules["keras"] = ModuleType("keras")
keras.ops, keras.Model = SimpleNamespace(), type("Model", (), {})
keras.losses, keras.layers = SimpleNamespace(Loss=type("Loss", (), {})), SimpleNamespace(Layer=type("Layer", (), {}))
keras.saving = SimpleNamespace(register_keras_serializable=lambda package: lambda one: one)

project = html_title = "xmatch_edu"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]

# Parts of other pages; and the README, which the front page quotes.
exclude_patterns = ["README.md", "docs/api/_exercises.md"]

# The notebooks are stored executed. Nothing runs here.
nb_execution_mode = "off"
nb_merge_streams = True
smartquotes = False  # a page says what its notebook says
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

# MathJax stands among the site's own files. It is version 3; said here because Sphinx would write for version 4.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}

autodoc_inherit_docstrings = False  # those of torch are in another form
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "undoc-members": True}
default_role = "py:obj"
add_module_names = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_js_files = [("pages.js", {"defer": "defer"})]
html_search_scorer = str(Path(__file__).with_name("search.js"))  # Sphinx looks for a bare name where it was started
html_favicon = "_static/favicon.svg"
html_show_copyright = html_show_sourcelink = html_copy_source = False
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"


def setup(app):
    app.connect("autodoc-process-docstring", docstrings.as_lines)
