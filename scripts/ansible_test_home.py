"""Makes the home folder in which ansible-test keeps its environments.

ansible-test fetches a script that installs pip from a host of its own. Where that host is out of
reach, a stand-in takes its place: it runs the same pip, from its wheel. ansible-test also hides
pip's environment variables from pip; they are written down here as pip's configuration.

usage: ansible_test_home.py HOME
"""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

REACH_SECONDS = 15
STAND_IN = '''\
"""Stands in for the script that installs pip: runs pip itself from the wheel beside this file."""

import pathlib
import runpy
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "{wheel}"))
ARGUMENTS = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = [sys.argv[0], "install", "--upgrade", *ARGUMENTS]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def found(pattern: str, path: Path) -> str:
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if match is None:
        raise SystemExit(
            f"{path}: no {pattern!r} in it; this ansible-core needs a newer {__file__}"
        )
    return match.group(1)


def ansible_test() -> Path:
    spec = importlib.util.find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed here; run this from .venv")
    return Path(next(iter(spec.submodule_search_locations)))


def keep_pip_settings(home: Path, settings: dict[str, str]) -> None:
    """Write the PIP_* settings to the home's pip.conf, beside a link to the user's own one."""
    config = configparser.RawConfigParser()
    config["global"] = {
        name[4:].lower().replace("_", "-"): "\n".join(value.split())
        for name, value in sorted(settings.items())
        if name.startswith("PIP_") and name not in ("PIP_CONFIG_FILE", "PIP_REQUIRE_VIRTUALENV")
    }
    target = home / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8") as stream:
        config.write(stream)
    legacy = home / ".pip" / "pip.conf"
    legacy.parent.mkdir(exist_ok=True)
    legacy.unlink(missing_ok=True)
    own = Path.home() / ".config" / "pip" / "pip.conf"
    if own.exists():
        legacy.symlink_to(own)


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method="HEAD"), timeout=REACH_SECONDS
        ):
            return True
    except (urllib.error.URLError, OSError):
        return False


def provide_pip(home: Path) -> None:
    """Put the stand-in where ansible-test looks for the script that it cannot fetch."""
    root = ansible_test()
    version = found(r"\bpip='([0-9.]+)'", root / "_internal" / "python_requirements.py")
    template = found(
        r"url = '(https://[^']+)' % pip_version",
        root / "_util" / "target" / "setup" / "requirements.py",
    )
    cache = home / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists() or reachable(template % version):
        return
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run(
            [
                *(f"{folder}/bin/pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--dest", str(cache), f"pip=={version}"),
            ],
            check=True,
        )
    wheel = next(cache.glob(f"pip-{version}-*.whl")).name
    script.write_text(STAND_IN.format(wheel=wheel), encoding="utf-8")


if __name__ == "__main__":
    provide_pip(Path(sys.argv[1]))
    keep_pip_settings(Path(sys.argv[1]), dict(os.environ))
