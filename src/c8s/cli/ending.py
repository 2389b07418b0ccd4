"""How the command ends: an exit code for every error, and a message instead of a traceback."""

from __future__ import annotations

import enum
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO

from ansible_collections.c8s.ci.plugins.module_utils.core.errors import C8sError, InvalidInput

from .terminal import paint, say


class Exit(enum.IntEnum):
    """What the command ends with, beside the codes that errors carry (see `C8sError`)."""

    SUCCEEDED = 0
    FAILED = 1
    INVALID = 2
    NOT_FOUND = 3
    INTERRUPTED = 130


def guarded(act: Callable[[], int], *, debug: bool) -> int:
    """Do it, and turn whatever it raises into a message on stderr and an exit code.

    With `debug` an unexpected exception is shown with its traceback; without, nobody sees one.
    """
    threading.excepthook = lambda fault: _tell_unexpected(fault.exc_value, debug=debug)
    try:
        code = act()
        sys.stdout.flush()
        return code
    except InvalidInput as error:
        for problem in error.problems:
            tell_error(str(problem))
        return error.exit_code
    except C8sError as error:
        tell_error(error.message)
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 - the one place where what nobody foresaw ends
        _tell_unexpected(error, debug=debug)
        return Exit.FAILED
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


def tell_error(message: str) -> None:
    """Say on stderr what went wrong."""
    say(f"{paint('error:', 'red', bold=True)} {message}")


def _tell_unexpected(error: BaseException | None, *, debug: bool) -> None:
    if debug and error is not None:
        say("".join(traceback.format_exception(error)).rstrip())
        return
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    tell_error(f"a fault in c8s itself: {what}")
    say("Run it again with C8S_DEBUG=1 (or -vvv) for the details, and report them.")


def _let_go(stream: IO[str]) -> None:
    """Write out what is left; if nobody reads any more, let the interpreter not complain of it."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
