"""The work behind `python3 -m xmatch_edu`: standard library only at import, since it runs before any install."""
