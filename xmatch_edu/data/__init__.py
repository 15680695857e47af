"""The pairs that the course looks at. Nothing here downloads anything: the real ones come from installed packages."""
