"""Whether a service answers, found out from this host or from inside its container.

Nothing has to be in an image for a port to be seen: the kernel lists what is listened on. For an
HTTP path this host asks the container's address where it has one that can be reached; else a
program of the service's image asks.
"""

from __future__ import annotations

import http.client
import pathlib
from collections.abc import Iterable

from ....images.engine_client import EngineClient
from ....pipeline.spec import Readiness, Service

_PROBE_SECONDS = 10.0
_HTTP_SECONDS = 2.0
_TABLES = ("tcp", "tcp6")
_LISTEN = "0A"
_NO_PROGRAM = 97
_ASK = f"""
if command -v curl >/dev/null 2>&1; then exec curl -fsS -m 5 -o /dev/null "$1"
elif command -v wget >/dev/null 2>&1; then exec wget -q -O /dev/null "$1"
elif command -v python3 >/dev/null 2>&1
then exec python3 -c 'import sys, urllib.request as r
r.build_opener().open(sys.argv[1], timeout=5)' "$1"
else exit {_NO_PROGRAM}
fi
"""


class Probe:
    """Asks one service whether it is ready. `lack` says what was amiss the last time.

    `owner` is the container whose network the service shares.
    """

    def __init__(self, client: EngineClient, service: Service, owner: str, container: str) -> None:
        self._client = client
        self._readiness = service.readiness or Readiness()
        self._port = self._readiness.port or (service.ports[0] if service.ports else 0)
        self._owner = owner
        self._container = container
        self.timeout = self._readiness.timeout
        self.lack = ""

    def ready(self) -> bool:
        if self._readiness.command:
            self.lack = self._lack_of_command(self._readiness.command)
        elif self._readiness.path:
            self.lack = self._lack_of_answer()
        else:
            self.lack = self._lack_of_port()
        return not self.lack

    def _lack_of_command(self, command: Iterable[str]) -> str:
        answer = self._client.call("exec", self._container, *command, seconds=_PROBE_SECONDS)
        said = answer.words or answer.output.strip()
        return "" if answer.ok else f"its command ended with {answer.code}: {said}"

    def _lack_of_port(self) -> str:
        return "" if self._port in self._listened() else f"nothing listens on port {self._port}"

    def _listened(self) -> set[int]:
        """Ports that are listened on in the network of the services."""
        tables = self._tables_of_host()
        if not tables:
            paths = [f"/proc/net/{table}" for table in _TABLES]
            tables = self._client.call("exec", self._container, "cat", *paths).output
        return listened_ports(tables)

    def _tables_of_host(self) -> str:
        """The kernel's own lists, where the engine runs on this very kernel."""
        form = "{{.State.Pid}} {{.Id}}"
        answer = self._client.call("container", "inspect", "--format", form, self._owner)
        process, _blank, identity = answer.output.strip().partition(" ")
        folder = pathlib.Path("/proc") / (process or "0")
        try:
            if identity and identity in (folder / "cgroup").read_text():
                return "".join((folder / "net" / table).read_text() for table in _TABLES)
        except OSError:
            return ""  # Another kernel's process, or one that has just ended.
        return ""

    def _lack_of_answer(self) -> str:
        lacks = []
        for address in self._addresses():
            lack = _lack_of_http(address, self._port, self._readiness.path)
            if not lack:
                return ""
            lacks.append(lack)
        url = f"http://localhost:{self._port}{self._readiness.path}"
        answer = self._client.call(
            "exec", self._container, "/bin/sh", "-c", _ASK, "sh", url, seconds=_PROBE_SECONDS
        )
        if answer.ok:
            return ""
        if answer.code == _NO_PROGRAM or not lacks:
            lacks.append(
                "its image has neither curl nor wget nor python3 to ask it with"
                if answer.code == _NO_PROGRAM
                else answer.words or answer.output.strip() or f"{url} gives no good answer"
            )
        return "; ".join(lacks)

    def _addresses(self) -> list[str]:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        answer = self._client.call("container", "inspect", "--format", form, self._owner)
        return answer.output.split() if answer.ok else []


def _lack_of_http(address: str, port: int, path: str) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=_HTTP_SECONDS)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"http://{address}:{port}{path}: {error}"
    finally:
        connection.close()
    return "" if 200 <= status < 400 else f"{path} answers {status}"


def listened_ports(tables: str) -> set[int]:
    """Ports in state LISTEN out of the text of /proc/net/tcp and tcp6."""
    ports = set()
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTEN and ":" in fields[1]:
            ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports
