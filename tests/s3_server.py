"""A real S3 server for tests: rclone on a folder, with keys of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kube.errors import ClusterError
from kube.waiting import wait_for

BUCKET = "builds"
RCLONE = Path(sys.executable).parent / "rclone"


@dataclasses.dataclass
class S3Server:
    """Serves the buckets that are folders in `folder`; it can be stopped, halted and restarted.

    `authority` is the certificate of the private authority that it is known by, if any.
    """

    folder: Path
    address: str
    port: int
    access_key: str
    secret_key: str
    authority: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        scheme = "https" if self.authority else "http"
        return f"{scheme}://{self.address}:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        """The environment of whoever may use it."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def options(self, prefix: str = "ci") -> dict[str, str]:
        """The options of modules that name it."""
        named = {
            "object_store": f"s3://{BUCKET}/{prefix}",
            "object_store_endpoint": self.endpoint,
        }
        if self.authority:
            named["object_store_ca_cert"] = str(self.authority)
        return named

    def start(self) -> None:
        """Serve, and return once it listens."""
        words = [RCLONE, "serve", "s3", self.folder / "buckets"]
        words += ["--addr", f"{self.address}:{self.port}"]
        if self.authority:
            words += ["--cert", self.folder / "server.crt", "--key", self.folder / "server.key"]
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                words,
                env={
                    **os.environ,
                    "RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"',
                    "RCLONE_CONFIG": os.devnull,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(f"an S3 server at {self.endpoint}", self._listens, timeout=30, alive=self._lives)

    def _lives(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            self.process = None
            raise ClusterError((self.folder / "server.log").read_text()[-500:])

    def _listens(self) -> bool:
        with socket.create_connection((self.address, self.port), timeout=1):
            return True

    def stop(self) -> None:
        """End it at once, in the middle of whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """Within this context it takes connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All that is in the bucket, by key."""
        bucket = self.folder / "buckets" / BUCKET
        found = {}
        for path in sorted(bucket.rglob("*")):
            key = str(path.relative_to(bucket))
            if key.startswith(prefix):
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # It changes.
                    found[key] = path.read_bytes()
        return found


@contextlib.contextmanager
def s3_server(folder: Path, address: str = "127.0.0.1", *, tls: bool = False) -> Iterator[S3Server]:
    """A server of one's own, at a free port of this address of the host."""
    (folder / "buckets" / BUCKET).mkdir(parents=True)
    server = S3Server(
        folder,
        address,
        _free_port(address),
        f"AKIA{secrets.token_hex(8).upper()}",
        secrets.token_urlsafe(30),
        _certificates(folder, address) if tls else None,
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _certificates(folder: Path, address: str) -> Path:
    """Make a private authority and what it says of the server; the authority's certificate."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(authority_name)
            .subject_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    root = (
        builder(authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    leaf = (
        builder(server_name, server_key)
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.crt").write_bytes(leaf.public_bytes(pem))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "authority.crt").write_bytes(root.public_bytes(pem))
    return folder / "authority.crt"
