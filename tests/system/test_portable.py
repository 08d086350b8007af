"""Every module is imported on systems without `fcntl`, `resource` and Linux's own signals: macOS and Windows."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT_ALL = """
import builtins, importlib, pkgutil, sys, warnings

warnings.simplefilter("ignore")
taken, real = ("fcntl", "resource", "termios", "pwd", "grp"), builtins.__import__

def without(name, globals=None, locals=None, fromlist=(), level=0):
    if name in taken and str((globals or {}).get("__name__", "")).startswith("ratoon"):
        raise ModuleNotFoundError(f"{globals['__name__']} imports {name}")
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = without
import ratoon

ours = {"tests", "benchmarks", "examples", "docs", "starter", "torch", "versions", "env"}
found = [each.name for each in pkgutil.walk_packages(ratoon.__path__, "ratoon.", onerror=lambda name: None)]
for name in found:
    if not ours & set(name.split(".")):
        importlib.import_module(name)
print(len(found))
"""


@pytest.mark.slow
def test_every_module_is_imported_without_the_modules_of_unix() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 100
