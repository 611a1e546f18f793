"""Every module of zbtui can be imported without the modules that only POSIX has."""

from __future__ import annotations

import subprocess
import sys

HIDDEN = "fcntl termios tty pty pwd grp resource readline syslog posix"
SCRIPT = f"""
import builtins, importlib, pkgutil

hidden, real = {HIDDEN!r}.split(), builtins.__import__

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    asks = (globals or {{}}).get("__name__", "")
    if level == 0 and name.partition(".")[0] in hidden and asks.partition(".")[0] == "zbtui":
        raise ImportError(f"{{asks}} imports {{name}}")
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
import zbtui

names = [one.name for one in pkgutil.walk_packages(zbtui.__path__, "zbtui.")]
names.remove("zbtui.__main__")
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_everything_is_imported_without_the_modules_of_posix() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
