"""A git server on this host that pods reach: over https with an authority of its own, and ssh."""

from __future__ import annotations

import base64
import getpass
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from identity import server_identity
from kube.waiting import wait_for

USER = "builder"
PASSWORD = "correct-horse-battery"
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@dataclass(frozen=True, slots=True)
class Origin:
    """A repository that a server serves, and the same by other names."""

    folder: Path
    url: str

    def git(self, *arguments: str) -> str:
        """What git says in the folder."""
        who = {"NAME": "Ada", "EMAIL": "ada@example.org"}
        names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
                 for key, value in who.items()}  # fmt: skip
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **names},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, text: str, name: str = "file") -> str:
        """Commit a file with this text on the branch that is checked out; the commit."""
        (self.folder / name).write_text(text)
        self.git("add", "--", name)
        self.git("commit", "--quiet", "-m", f"{name}: {text}")
        return self.git("rev-parse", "HEAD")


def new_repository(folder: Path) -> Path:
    """An empty repository in `folder/private.git`, served with nothing but what its refs reach."""
    made = folder / "private.git"
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(made)], check=True)
    return made


@contextmanager
def https_server(root: Path, address: str, pki: Path) -> Iterator[str]:
    """Serve the repositories below `root`; the base URL. Basic authentication is demanded.

    Its certificate is of the authority `pki/ca.crt`, that nobody trusts beforehand.
    """
    certificate, key, _authority = server_identity(pki, address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Server((address, 0), _Backend)
    server.root = root
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://{address}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    root: Path

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is its own affair; what it says is what is looked at."""


class _Backend(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _serve(self, body: bytes) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _mark, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_USER": USER,
            },
        )
        head, _gap, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        return


@dataclass(frozen=True, slots=True)
class Ssh:
    """An ssh server: where it is, the key that it lets in, and the line that knows it."""

    url: str
    key: str
    known_hosts: str


@contextmanager
def ssh_server(folder: Path, address: str) -> Iterator[Ssh]:
    """An sshd of this user's own, that lets one key in."""
    folder.mkdir()
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    if os.geteuid() == 0:
        # Where an sshd of root parts its privileges; Debian makes it when its service starts.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with socket.create_server((address, 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "config"
    config.write_text(
        f"ListenAddress {address}\nPort {port}\nHostKey {folder / 'host'}\n"
        f"AuthorizedKeysFile {folder / 'user.pub'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"
    )
    log = (folder / "log").open("wb")
    server = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(config)], stderr=log)
    try:

        def listening() -> bool:
            with socket.create_connection((address, port), timeout=1):
                return True

        wait_for("sshd", listening, timeout=10)
        kind, public = (folder / "host.pub").read_text().split()[:2]
        yield Ssh(
            f"ssh://{getpass.getuser()}@{address}:{port}",
            (folder / "user").read_text(),
            f"[{address}]:{port} {kind} {public}\n",
        )
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()
