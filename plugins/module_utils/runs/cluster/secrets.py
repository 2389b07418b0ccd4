"""The secrets of a run in a cluster: read to be masked, never to be put into a manifest."""

from __future__ import annotations

import base64
import binascii

from ...core.errors import Denied, InvalidInput, NotFound
from ...kube.kinds import CONFIG_MAP, SECRET
from ...kube.resources import Resources
from ...masking.masker import Secrets
from ...pipeline.spec import Pipeline
from ..secrets import SecretValues, check_secrets, masked_values

Values = dict[str, dict[str, str]]


class ClusterSecrets:
    """Secrets of one namespace, each read once. Fails closed: what cannot be read raises Denied,
    for a log that cannot be masked must not be written."""

    def __init__(
        self,
        resources: Resources,
        namespace: str,
        clone_secret: str = "",
        authorities: str = "",
    ) -> None:
        self._resources = resources
        self._namespace = namespace
        self._clone_secret = clone_secret
        self._authorities = authorities
        self._known: dict[str, dict[str, str] | None] = {}
        self._masks: dict[frozenset[tuple[str, str]], Secrets] = {}

    def check(self, pipeline: Pipeline) -> None:
        """Raise InvalidInput with every secret or key that a step asks for in vain.

        So too where what the clone needs is not there: its pod would wait for it forever.
        """
        absent = f"does not exist in namespace {self._namespace}"
        check_secrets(pipeline, self.values(pipeline), absent)
        if pipeline.clone is not None:
            self.check_clone()

    def check_clone(self) -> None:
        """Raise InvalidInput where what the clone needs is not there."""
        where = f"in namespace {self._namespace}"
        if self._clone_secret:
            held = self._read(self._clone_secret)
            if held is None:
                raise InvalidInput(
                    f"the clone secret {self._clone_secret!r} does not exist {where}"
                )
            if not held.keys() & {"token", "password", "ssh-key"}:
                raise InvalidInput(
                    f"the clone secret {self._clone_secret!r} {where} has neither `token`,"
                    " `password` nor `ssh-key`"
                )
        if self._authorities:
            found = self._resources.find(CONFIG_MAP, self._authorities, self._namespace)
            if found is None or "ca.crt" not in (found.get("data") or {}):
                raise InvalidInput(
                    f"there is no ConfigMap {self._authorities!r} with a key 'ca.crt' {where};"
                    " it was to hold the authorities that git trusts"
                )

    def values(self, pipeline: Pipeline) -> SecretValues:
        """What the secrets that the pipeline's steps name hold; those that do not exist lack."""
        wanted = {ref.secret for step in pipeline.steps for ref in step.secrets}
        found: Values = {}
        for name in sorted(wanted):
            values = self._read(name)
            if values is not None:
                found[name] = values
        return found

    def masks(self, pipeline: Pipeline) -> Secrets:
        """The masks of a run: all values of its secrets, and what it clones with."""
        values = masked_values(pipeline, self.values(pipeline))
        if self._clone_secret:
            for key, value in (self._read(self._clone_secret) or {}).items():
                if key in ("password", "token", "ssh-key") and len(value.strip()) >= 6:
                    values[f"{self._clone_secret}/{key}"] = value.strip()
        known = frozenset(values.items())
        if known not in self._masks:
            self._masks[known] = Secrets(values)
        return self._masks[known]

    def _read(self, name: str) -> dict[str, str] | None:
        if name not in self._known:
            self._known[name] = self._fetch(name)
        return self._known[name]

    def _fetch(self, name: str) -> dict[str, str] | None:
        try:
            data = self._resources.get(SECRET, name, self._namespace).get("data") or {}
        except NotFound:
            return None
        except Denied as error:
            raise Denied(
                f"secret {name!r} cannot be read, so its values could not be masked in the logs"
                f" ({error}); give the right to get secrets in namespace {self._namespace}"
            ) from error
        return {key: _decoded(name, key, value) for key, value in data.items()}


def _decoded(name: str, key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
    except binascii.Error as error:
        raise InvalidInput(f"key {key!r} of secret {name!r} is no base64: {error}") from error
