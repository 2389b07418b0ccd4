"""A file that somebody named, read with the patience of a small one."""

from __future__ import annotations

import pathlib

from ..core.errors import Denied, InvalidInput, NotFound

SIZE_LIMIT = 2 * 1024 * 1024
"""More than a pipeline file may have, so that its reader is the one to refuse it."""


def input_file(path: pathlib.Path) -> bytes:
    """What is in the file, of which at most SIZE_LIMIT bytes are read.

    Raises NotFound, Denied, or InvalidInput for what is no file (a folder, a loop of links).
    """
    try:
        with open(path.expanduser(), "rb") as stream:
            return stream.read(SIZE_LIMIT)
    except FileNotFoundError:
        raise NotFound(f"there is no file {str(path)!r} on this host") from None
    except PermissionError:
        raise Denied(f"{str(path)!r} may not be read by this user") from None
    except OSError as error:
        raise InvalidInput(f"{str(path)!r} cannot be read: {error.strerror}") from error
