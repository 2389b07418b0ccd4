"""A step's output on its way to the store: masked first, then capped."""

from __future__ import annotations

from ..masking.masker import Masker, Secrets
from ..storage.capped_log import CappedLog


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
