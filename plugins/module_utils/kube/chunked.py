"""The chunks of an HTTP answer, many at a time.

A follow brings a chunk for each line. The layers of urllib3 and http.client take two calls of
their own for each chunk; for a log of a million lines that is most of the work.
"""

from __future__ import annotations

# A size in hexadecimal digits, and what may stand behind it.
_LONGEST_HEAD = 4096


class Dechunker:
    """Takes the bytes of a chunked body (RFC 9112, section 7.1), gives those within the chunks."""

    def __init__(self) -> None:
        self.ended = False
        self.clean = False
        self._held = b""
        # Bytes of the chunk that are still to come; its line end counts as two of them.
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """The content of the next bytes. `ended` is set at the last chunk, `clean` where the whole
        body and nothing else was taken, so that another answer may follow.

        Raises ValueError for what is not chunked.
        """
        if self._held:
            data = self._held + data
            self._held = b""
        out: list[bytes] = []
        at, end, left = 0, len(data), self._left
        while at < end:
            if left:
                stop = at + left
                # Of the line end alone there may be one byte left: no slice from behind.
                out.append(data[at : max(at, min(stop - 2, end))])
                left = max(0, stop - end)
                at = min(stop, end)
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                if end - at > _LONGEST_HEAD:
                    raise ValueError("a chunk has no size")
                self._held = data[at:]
                break
            size = int(data[at:line_end].split(b";", 1)[0], 16)
            if size < 0:
                raise ValueError("a chunk has a size below nothing")
            at = line_end + 2
            if not size:
                self.ended = True
                self.clean = data[at:] == b"\r\n"
                break
            left = size + 2
        self._left = left
        return b"".join(out)
