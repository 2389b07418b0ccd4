"""Where a repository may be: its address, judged before git ever sees it."""

from __future__ import annotations

import dataclasses
import enum
import pathlib
import re
import urllib.parse

from ..core.errors import InvalidInput

COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SCP = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^:].*)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]")
_REF = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")
REF_LENGTH_LIMIT = 255


class Transport(enum.StrEnum):
    HTTPS = "https"
    SSH = "ssh"
    FILE = "file"


@dataclasses.dataclass(frozen=True, slots=True)
class Repository:
    """A repository's address. `url` is what git is given: without credentials, never an option."""

    url: str
    transport: Transport
    host: str = ""
    port: int | None = None
    user: str = ""

    @property
    def path(self) -> pathlib.Path:
        """The folder of a repository on this host."""
        return pathlib.Path(self.url)


def repository(address: str, *, allow_file: bool) -> Repository:
    """Judge an address: https://, ssh://, user@host:path or, where allowed, a folder.

    Raises InvalidInput for everything else, also for what would reach git's other transports
    (`ext::`), options in the place of a host, and credentials in the URL.
    """
    if not address or any(ord(character) < 0x20 or character == "\x7f" for character in address):
        raise InvalidInput("the repository's address is empty or holds control characters")
    if address.startswith("-"):
        raise InvalidInput(f"{address!r} would be an option to git; a repository was expected")
    if "::" in address.split("/", 1)[0] and not address.startswith("["):
        raise _refused(address, "git's remote helpers are not allowed")
    if "://" in address:
        return _from_url(address, allow_file=allow_file)
    folder = pathlib.Path(address).expanduser()
    scp = _SCP.fullmatch(address)
    if scp and not folder.exists() and "/" not in address.split(":", 1)[0]:
        if not _HOST.fullmatch(scp["host"]):
            raise _refused(address, "the host is not valid")
        return Repository(address, Transport.SSH, scp["host"].lower(), None, scp["user"] or "")
    if not allow_file:
        raise _refused(address, "folders are for runs on this host")
    return _folder(folder)


def _from_url(address: str, *, allow_file: bool) -> Repository:
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise _refused(address, str(error)) from error
    scheme = parts.scheme.lower()
    if scheme == "file" and allow_file:
        return _folder(pathlib.Path(urllib.parse.unquote(parts.path)))
    if scheme not in (Transport.HTTPS, Transport.SSH):
        allowed = "https, ssh and file" if allow_file else "https and ssh"
        raise _refused(address, f"{scheme}:// is not allowed; {allowed} are")
    if parts.password is not None or (scheme == Transport.HTTPS and parts.username):
        raise InvalidInput(
            f"the address of {parts.hostname} holds credentials; give them as a secret, so that"
            " they reach no process list and no record"
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise _refused(address, "the host is not valid")
    if parts.username and not re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._-]*", parts.username):
        raise _refused(address, "the user is not valid")
    return Repository(address, Transport(scheme), host.lower(), port, parts.username or "")


def _folder(folder: pathlib.Path) -> Repository:
    folder = folder.absolute()
    if not (folder / ".git").exists() and not (folder / "objects").is_dir():
        raise InvalidInput(f"{folder} is no git repository; run 'git init' and commit there first")
    return Repository(str(folder), Transport.FILE)


def _refused(address: str, why: str) -> InvalidInput:
    return InvalidInput(f"the repository {address!r} is refused: {why}")


def check_commit(commit: str) -> str:
    """The commit in lower case; InvalidInput unless it is 7 to 64 hex digits."""
    lowered = commit.lower()
    if not COMMIT.fullmatch(lowered):
        raise InvalidInput(f"{commit[:80]!r} is no commit; 7 to 64 hex digits were expected")
    return lowered


def check_ref(name: str, what: str) -> str:
    """A branch's or tag's short name; InvalidInput where git itself would refuse it.

    The rules are those of git-check-ref-format(1). Shell text such as `$(id)` passes: it is data.
    """
    if len(name.encode()) > REF_LENGTH_LIMIT:
        raise InvalidInput(
            f"the name of the {what}, {name[:40]!r} and so on, has {len(name.encode())} bytes;"
            f" at most {REF_LENGTH_LIMIT} are possible"
        )
    bad = (
        not _REF.fullmatch(name)
        or name.startswith(("-", "/", "."))
        or name.endswith(("/", ".", ".lock"))
        or ".." in name
        or "//" in name
        or "/." in name
        or "@{" in name
        or name == "@"
    )
    if bad:
        raise InvalidInput(f"{name[:80]!r} is no valid {what} name (see git-check-ref-format)")
    return name
