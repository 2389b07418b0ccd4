"""What an object store offers, be it S3 or a folder: objects by key, written whole or not at all.

Keys are paths below the store's own root (`team/run-1/test.log`), made of ids that this product
gave; nobody outside chooses one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Literal, Protocol

READ_SIZE = 1 << 20

Access = Literal["GET", "PUT"]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing tells of it; `size` in bytes."""

    key: str
    size: int


class Objects(Protocol):
    """Every call may raise Unavailable (try again later), Denied, or InvalidInput for settings
    that cannot be right. Calls may come from any thread."""

    authorities: str
    """The certificates (PEM) that whoever uses a signed address has to trust beside the usual."""

    def check(self) -> None:
        """Raise what is wrong with the store, NotFound where it does not exist."""

    def url(self, key: str) -> str:
        """The object's address for records: it names the object and gives no access."""

    def key(self, url: str) -> str | None:
        """The key of an address that `url` has made; None for what is in another store."""

    def put(self, key: str, content: bytes) -> None:
        """Write an object; one that is there is replaced in one moment."""

    def put_file(self, key: str, file: BinaryIO) -> None:
        """Write an object of what a file holds from its beginning, a large one in parts."""

    def get(self, key: str) -> bytes:
        """The whole object; NotFound without it."""

    def read(self, key: str, start: int = 0) -> Iterator[bytes]:
        """The object from byte `start` on, in pieces; nothing behind its end.

        NotFound without it.
        """

    def size(self, key: str) -> int | None:
        """How many bytes the object has; None where there is none."""

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with `prefix`, in the order of their keys."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are no fault."""

    def signed(self, access: Access, key: str, seconds: int) -> str | None:
        """An address that lets its holder read or write this one object for so long.

        None where the store gives none: then its driver carries what is in it.
        """
