"""What breaks on the way to a server and back, named, with its reason in words."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

from ..core.errors import Unavailable
from .faults import Uncertain


class NotSent(Unavailable):
    """No connection came about: nothing was asked."""


class Silent(Unavailable):
    """An open stream brought nothing for as long as was allowed."""


class CutOff(Unavailable):
    """An open stream broke in the middle."""


@contextlib.contextmanager
def explained(server: str) -> Iterator[None]:
    """Turn what urllib3 says of an exchange into NotSent, Uncertain or Unavailable."""
    import urllib3.exceptions as kinds

    try:
        yield
    except (kinds.NewConnectionError, kinds.ConnectTimeoutError) as error:
        raise NotSent(f"cannot reach the API server {server}: {cause(error)}") from error
    except kinds.ProxyError as error:
        raise NotSent(f"the proxy does not lead to {server}: {cause(error)}") from error
    except kinds.SSLError as error:
        raise _tls_error(server, error) from error
    except kinds.ReadTimeoutError as error:
        raise Uncertain(f"the API server {server} did not answer in time") from error
    except kinds.LocationParseError as error:
        raise Unavailable(f"{server} is no address of an API server: {error}") from error
    except (kinds.HTTPError, OSError) as error:
        raise Uncertain(f"the connection to {server} broke: {cause(error)}") from error


def _tls_error(server: str, error: BaseException) -> Unavailable:
    reason = cause(error)
    for found in _chain(error):
        if isinstance(found, ssl.SSLCertVerificationError):
            return Unavailable(
                f"the certificate of {server} is not trusted: {reason}; give the authority that "
                "signed it (ca_cert, or certificate-authority in the kubeconfig)"
            )
        if isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return Uncertain(f"the connection to {server} broke: {reason}")
    return Unavailable(f"no TLS connection to {server}: {reason}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        pending += [found.__cause__, found.__context__]
        pending += [inner for inner in found.args if isinstance(inner, BaseException)]


def cause(error: BaseException) -> str:
    """The innermost reason in words: `connection refused`, `certificate has expired`."""
    for found in _chain(error):
        if isinstance(found, ssl.SSLCertVerificationError):
            return found.verify_message
        if isinstance(found, TimeoutError) or "timed out" in str(found):
            return "timed out"
        if isinstance(found, OSError) and found.strerror:
            return found.strerror[0].lower() + found.strerror[1:]
    return str(error) or type(error).__name__
