"""A step's output on its way to the store: masked first, then capped."""

from __future__ import annotations

from collections.abc import Callable

from ..masking.masker import Masker, Secrets
from ..storage.capped_log import CappedLog
from ..storage.log_spool import LogSpool


class MaskedLog:
    """Write-only; `close` adds what the masker and the cap have held back."""

    def __init__(self, log: CappedLog, masks: Secrets) -> None:
        self._log = log
        self._stream = Masker(masks)

    def write(self, content: bytes) -> None:
        self._log.write(self._stream.feed(content))

    def close(self) -> None:
        try:
            self._log.write(self._stream.finish())
        finally:
            self._log.close()


class MaskedSpool:
    """The same for a log that another process may go on with.

    It can do so only from where nothing that came before bears on what is masked behind it: a
    secret that lies across such a place would be shown by halves.
    """

    def __init__(self, spool: LogSpool, masks: Secrets) -> None:
        self._spool = spool
        self._stream = Masker(masks)

    def write(self, content: bytes, position: Callable[[], str] | None = None) -> None:
        """Add output, behind which its origin is at `position` (None: at none to come back to)."""
        masked = self._stream.feed(content)
        self._spool.write(masked, position if self._stream.settled else None)

    def seal(self) -> None:
        """Nothing more will come."""
        self._spool.write(self._stream.finish(), None)
        self._spool.seal()

    def leave(self) -> None:
        """Another one will go on."""
        self._spool.leave()
