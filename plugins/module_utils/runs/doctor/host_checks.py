"""What this host has for runs: git, engines, a place to keep them."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from ...core.errors import C8sError, Unavailable
from ...forges.checkout import Git
from ...images.engine_client import EngineClient
from ..host.runs import store_of
from .checks import Check, failed, passed, warning

_PROGRAM_SECONDS = 10.0
_LEAST_SPACE = 1024**3
_ENGINES = ("docker", "podman")


def host_checks(
    options: Mapping[str, Any], environment: Mapping[str, str]
) -> list[Callable[[], Check]]:
    """The checks of this host, each to be called on its own."""
    return [
        _git,
        *(functools.partial(_engine, name) for name in _ENGINES),
        lambda: _store(options, environment),
        _masking,
    ]


def _git() -> Check:
    try:
        return passed("git", Git()("--version", timeout=_PROGRAM_SECONDS))
    except Unavailable as error:
        return warning(
            "git",
            error.message,
            "install git; without it commits of repositories cannot be found",
        )


def _engine(name: str) -> Check:
    """An engine that is not here is no fault: nobody needs all of them."""
    if shutil.which(name) is None:
        return warning(name, f"{name} is not on this host", f"wanted only by the executor {name}")
    try:
        EngineClient(name).facts(_PROGRAM_SECONDS)
    except C8sError as error:
        return warning(name, error.message, f"wanted only by the executor {name}")
    return passed(name, f"{name} answers")


def _store(options: Mapping[str, Any], environment: Mapping[str, str]) -> Check:
    """The nearest folder that exists has to let us make the rest."""
    root = store_of(options, environment).root
    place = root
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return failed(
            "store",
            f"nothing can be kept in {root}: {place} may not be written by this user",
            "give another folder by --store, store or C8S_STORE",
        )
    free = shutil.disk_usage(place).free
    if free < _LEAST_SPACE:
        return warning(
            "store",
            f"{root} has {free // 1024**2} MiB left",
            "remove runs, or give another folder by --store, store or C8S_STORE",
        )
    return passed("store", f"{root}, {free // 1024**3} GiB free")


def _masking() -> Check:
    if find_spec("hyperscan"):
        return passed("masking", "hyperscan finds secrets in logs")
    return warning(
        "masking", "hyperscan is not installed: masking works, slower", "pip install hyperscan"
    )
