"""Pushing images to a registry that speaks the OCI distribution protocol over plain HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from kube.errors import ClusterError
from kube.images import Image

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry said: its text is of interest when it said no."""

    status: int
    location: str
    said: str

    def expect(self, wanted: int, what: str) -> None:
        """ClusterError unless the status is the wanted one."""
        if self.status != wanted:
            raise ClusterError(
                f"the registry answered {self.status} to a push of {what}: {self.said[:500]}"
            )


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry at `host:port`."""

    address: str

    def answers(self) -> bool:
        """Whether it serves; OSError while it does not listen."""
        return self._call("GET", "/v2/").status == 200

    def push(self, name: str, image: Image) -> str:
        """Store `image` as `repository:tag`; the manifest's digest."""
        repository, tag = name.rsplit(":", 1) if ":" in name else ("", "")
        if not repository or "/" in tag:
            raise ClusterError(f"{name}: an image to push is named repository:tag")
        configuration = json.dumps(image.configuration()).encode()
        layers = []
        for layer in image.layers:
            self._push_blob(repository, layer.digest, layer.file)
            layers.append(_described(LAYER, layer.digest, layer.file.stat().st_size))
        digest = _digest(configuration)
        self._push_blob(repository, digest, configuration)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _described(CONFIGURATION, digest, len(configuration)),
                "layers": layers,
            }
        ).encode()
        answer = self._call(
            "PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST}
        )
        answer.expect(201, name)
        return _digest(manifest)

    def _push_blob(self, repository: str, digest: str, data: bytes | Path) -> None:
        if self._call("HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
            return
        answer = self._call("POST", f"/v2/{repository}/blobs/uploads/", b"")
        answer.expect(202, repository)
        where = urlsplit(answer.location)
        target = f"{where.path}?{where.query}&digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        if isinstance(data, Path):
            headers["Content-Length"] = str(data.stat().st_size)
            with data.open("rb") as stream:
                answer = self._call("PUT", target, stream, headers)
        else:
            answer = self._call("PUT", target, data, headers)
        answer.expect(201, repository)

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=60, blocksize=1 << 20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers.get("Location", ""), answer.read().decode())
        finally:
            connection.close()


def _described(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
