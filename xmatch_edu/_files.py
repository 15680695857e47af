"""The safe write of a file, for whoever keeps something of somebody's."""

import os


def write(path, content):
    """Write content, bytes, into the file path in one stroke: a cut leaves the old file or the new one, never half."""
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(content)
    os.replace(fresh, path)
