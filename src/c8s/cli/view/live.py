"""The live view: a picture on the terminal, drawn anew several times a second."""

from __future__ import annotations

import contextlib
import datetime
import sys
import threading

from ansible_collections.c8s.ci.plugins.module_utils.runs.events import Event, Notice
from rich.console import Console
from rich.control import Control
from rich.live import Live

from .board import Board
from .glyphs import glyphs_for
from .picture import Picture

_FRAME_SECONDS = 0.1


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class LiveView:
    """Shows events as a picture on stderr until it is closed; the last picture stays.

    `place` is where the steps run, in a word.
    """

    def __init__(self, place: str) -> None:
        self._board = Board()
        self._console = Console(stderr=True, highlight=False)
        self._size = self._console.size
        self._live = Live(
            Picture(self._board, glyphs_for(sys.stderr.encoding), place, _now),
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._closed = threading.Event()
        self._painter = threading.Thread(target=self._paint, name="painter", daemon=True)

    def open(self) -> None:
        self._live.start()
        self._painter.start()

    def take(self, event: Event) -> None:
        """Show it with the next frame; a notice stands above the picture."""
        self._board.take(event)
        if isinstance(event, Notice):
            self._console.print(f"  {event.text}", style="yellow", markup=False)

    def stopping(self) -> None:
        """Somebody has asked for the end. Called by a signal handler: it only leaves a mark."""
        self._board.stopping = True

    def close(self) -> None:
        self._closed.set()
        self._painter.join()
        with contextlib.suppress(OSError):
            self._live.stop()

    def _paint(self) -> None:
        # A terminal that has gone away is nothing to the run.
        with contextlib.suppress(OSError):
            while not self._closed.wait(_FRAME_SECONDS):
                self._clear_after_shrinking()
                self._live.refresh()

    def _clear_after_shrinking(self) -> None:
        """In a smaller terminal the lines of the last frame are wrapped or gone: begin anew."""
        before, self._size = self._size, self._console.size
        if self._size.width < before.width or self._size.height < before.height:
            self._console.control(Control.clear(), Control.home())
