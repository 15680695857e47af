"""Run a notebook as a learner has it: in an empty folder, where only the installed package is found, without a network.
"""

import os

from tools import notebooks

# Python imports this first in a kernel whose PYTHONPATH begins with its folder. It notes each attempt, so that
# code which survives the refusal is found out too.
NO_NETWORK = '''
import os, socket

def refuse(address):
    # A socket of this machine's own kind has a path for an address.
    host = str(address[0]) if isinstance(address, tuple) else "localhost"
    if host in ("", "localhost", "::1", "0.0.0.0", socket.gethostname()) or host.startswith("127."):
        return
    with open(os.environ["REFUSED_CONNECTIONS"], "a") as log:
        print(host, file=log)
    raise OSError(f"the course works without a network, and this reached for {host}")

def guarded(name):
    method = getattr(socket.socket, name)
    def call(self, address, *rest):
        refuse(address)
        return method(self, address, *rest)
    return call

def resolve(host, *rest, _resolve=socket.getaddrinfo, **options):
    refuse((host.decode() if isinstance(host, bytes) else host or "", None))
    return _resolve(host, *rest, **options)

for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, guarded(name))
socket.getaddrinfo = resolve
'''


def run_alone(text, name, folder, monkeypatch):
    """Run the notebook in `text` -> it with its outputs, as text, and the addresses that it reached for."""
    (folder / "guard").mkdir()
    (folder / "elsewhere").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    log = folder / "refused"
    log.touch()
    old = [entry for entry in [os.environ.get("PYTHONPATH")] if entry]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder / "guard"), *old]))
    monkeypatch.setenv("REFUSED_CONNECTIONS", str(log))
    # The limit is for a cell that hangs; how fast a chapter should be depends on the machine.
    executed = notebooks.execute(text, folder / "elsewhere", name, timeout=120)
    return executed, log.read_text(encoding="utf-8").splitlines()
