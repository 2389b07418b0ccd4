"""Read and write objects of the API. Each call is one request, lists are read in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..core.errors import Conflict, InvalidInput, NotFound, Unavailable
from .connection import APPLY_PATCH, JSON, MERGE_PATCH, METADATA, Client
from .faults import AlreadyExists, Expired, Uncertain
from .kinds import Kind, served_kind

MANAGER = "c8s"
_PIECE = 500
# How often a create is asked again whose answer was lost and that had not come about.
_CREATE_TRIES = 4

Manifest = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """What was there at one moment, which `resource_version` names."""

    objects: tuple[dict[str, Any], ...]
    resource_version: str


class Resources:
    """The objects of one API server. Where no namespace is given it is the client's.

    All calls raise the errors of `faults`, with the object's name in them.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._kinds: dict[tuple[str, str], Kind] = {}

    def kind(self, manifest: Manifest) -> Kind:
        """The kind of a manifest; looked up at the server, once, when it is none of ours."""
        key = (str(manifest.get("apiVersion")), str(manifest.get("kind")))
        if key not in self._kinds:
            self._kinds[key] = served_kind(self.client, manifest)
        return self._kinds[key]

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
        """The object; NotFound when there is none."""
        return self._ask("GET", "read", kind, name, namespace)

    def find(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object, None when there is none."""
        try:
            return self.get(kind, name, namespace)
        except NotFound:
            return None

    def listing(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        patience: float | None = None,
    ) -> Listing:
        """All objects of a namespace (of all namespaces with `namespace=""`) that fit."""
        if namespace is None:
            namespace = self._namespace(kind, "")
        params: dict[str, str | int] = {"limit": _PIECE}
        if labels:
            params["labelSelector"] = labels
        if fields:
            params["fieldSelector"] = fields
        try:
            return self._pieces(kind, namespace, params, patience)
        except Expired:
            # The snapshot was compacted away between two pieces: then all at once.
            return self._pieces(kind, namespace, params | {"limit": 0}, patience)

    def create(
        self,
        manifest: Manifest,
        namespace: str = "",
        *,
        dry_run: bool = False,
        strict: bool = False,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """The new object. AlreadyExists, or Uncertain when the answer was lost.

        `strict` refuses fields that the server does not know instead of dropping them. With
        `accept=METADATA` only the metadata come back, which spares both sides some work.
        """
        kind, name, namespace = self._place(manifest, namespace)
        return self._dict(
            self.client.request(
                "POST",
                kind.path(namespace),
                manifest,
                params=_writing(dry_run=dry_run, strict=strict),
                accept=accept,
                doing=_doing("create", kind, name, namespace),
            )
        )

    def create_once(self, manifest: Manifest, namespace: str = "") -> tuple[dict[str, Any], bool]:
        """The object of that name, its metadata at least, and whether it is sure that this call
        made it.

        For names that are known beforehand. An answer that was lost is cleared up by looking.
        When it is not sure, the caller has to look whose the object is (its owner's uid).
        """
        kind, name, namespace = self._place(manifest, namespace)
        sure = True
        for _attempt in range(_CREATE_TRIES):
            try:
                return self.create(manifest, namespace, accept=METADATA), sure
            except (AlreadyExists, Uncertain) as error:
                sure = False
                lost = error
            found = self.find(kind, name, namespace)
            if found is not None:
                return found, False
        raise lost

    def apply(
        self,
        manifest: Manifest,
        namespace: str = "",
        *,
        manager: str = MANAGER,
        force: bool = False,
        dry_run: bool = False,
        strict: bool = True,
        subresource: str = "",
    ) -> dict[str, Any]:
        """The object after server-side apply. FieldConflict names fields that others hold."""
        kind, name, namespace = self._place(manifest, namespace)
        if not name:
            raise InvalidInput(f"a {kind.name} without metadata.name cannot be applied")
        params = _writing(dry_run=dry_run, strict=strict)
        params |= {"fieldManager": manager, "force": "true" if force else "false"}
        return self._dict(
            self.client.request(
                "PATCH",
                kind.path(namespace, name, subresource),
                manifest,
                params=params,
                content_type=APPLY_PATCH,
                doing=_doing("apply", kind, name, namespace),
            )
        )

    def patch(
        self,
        kind: Kind,
        name: str,
        body: Mapping[str, Any] | list[Any],
        namespace: str = "",
        *,
        content_type: str = MERGE_PATCH,
        subresource: str = "",
        dry_run: bool = False,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """The object after the patch. A resourceVersion in it guards: Conflict if it has moved."""
        namespace = self._namespace(kind, namespace)
        return self._dict(
            self.client.request(
                "PATCH",
                kind.path(namespace, name, subresource),
                body,
                params=_writing(dry_run=dry_run, strict=False),
                content_type=content_type,
                accept=accept,
                repeatable=content_type == MERGE_PATCH,
                doing=_doing("patch", kind, name, namespace),
            )
        )

    def replace(
        self, manifest: Manifest, namespace: str = "", *, subresource: str = ""
    ) -> dict[str, Any]:
        """The object after the whole was written. Conflict if its resourceVersion has moved."""
        kind, name, namespace = self._place(manifest, namespace)
        return self._dict(
            self.client.request(
                "PUT",
                kind.path(namespace, name, subresource),
                manifest,
                params=_writing(dry_run=False, strict=False),
                doing=_doing("replace", kind, name, namespace),
            )
        )

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Delete it; False when it was not there (or, with `uid`, another one of that name is)."""
        namespace = self._namespace(kind, namespace)
        options: dict[str, Any] = {"propagationPolicy": propagation}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        if dry_run:
            options["dryRun"] = ["All"]
        try:
            self.client.request(
                "DELETE",
                kind.path(namespace, name),
                options,
                doing=_doing("delete", kind, name, namespace),
            )
        except NotFound:
            return False
        except Conflict:
            if not uid:
                raise
            found = self.find(kind, name, namespace)
            if found is not None and found["metadata"]["uid"] == uid:
                raise
            return False
        return True

    def delete_all(
        self, kind: Kind, namespace: str = "", *, labels: str, propagation: str = "Background"
    ) -> None:
        """Delete everything that the labels fit."""
        if not labels:
            raise InvalidInput(f"without labels all of {kind.plural} would be deleted")
        namespace = self._namespace(kind, namespace)
        self.client.request(
            "DELETE",
            kind.path(namespace),
            {"propagationPolicy": propagation},
            params={"labelSelector": labels},
            doing=f"delete the {kind.plural} with {labels} in {namespace or 'the cluster'}",
        )

    def _pieces(
        self,
        kind: Kind,
        namespace: str,
        params: Mapping[str, str | int],
        patience: float | None,
    ) -> Listing:
        objects: list[dict[str, Any]] = []
        version = following = ""
        while True:
            page = self._dict(
                self.client.request(
                    "GET",
                    kind.path(namespace),
                    params={**params, "continue": following} if following else params,
                    patience=patience,
                    doing=f"list {kind.plural} of {namespace or 'the cluster'}",
                )
            )
            metadata = page.get("metadata") or {}
            version = version or str(metadata.get("resourceVersion", ""))
            objects += page.get("items") or ()
            following = str(metadata.get("continue") or "")
            if not following:
                break
        for found in objects:
            if not (found.get("metadata") or {}).get("name"):
                raise Unavailable(f"{self.client.server} lists {kind.plural} without names")
            found.setdefault("apiVersion", kind.api_version)
            found.setdefault("kind", kind.name)
        return Listing(tuple(objects), version)

    def _ask(self, method: str, verb: str, kind: Kind, name: str, namespace: str) -> dict[str, Any]:
        namespace = self._namespace(kind, namespace)
        doing = _doing(verb, kind, name, namespace)
        return self._dict(self.client.request(method, kind.path(namespace, name), doing=doing))

    def _place(self, manifest: Manifest, namespace: str) -> tuple[Kind, str, str]:
        kind = self.kind(manifest)
        metadata = manifest.get("metadata") or {}
        own = str(metadata.get("namespace") or "")
        if own and namespace and own != namespace:
            raise InvalidInput(
                f"the {kind.name} says namespace {own}, and it is to be made in {namespace}"
            )
        name = str(metadata.get("name") or "")
        return kind, name, self._namespace(kind, own or namespace)

    def _namespace(self, kind: Kind, namespace: str) -> str:
        return (namespace or self.client.namespace) if kind.namespaced else ""

    def _dict(self, answer: Any) -> dict[str, Any]:
        if not isinstance(answer, dict):
            raise InvalidInput(f"{self.client.server} answered with no object: is it Kubernetes?")
        return answer


def _writing(*, dry_run: bool, strict: bool) -> dict[str, str | int | bool]:
    # The default has the server read everything twice, for warnings that nobody sees.
    validation = "Strict" if strict else "Ignore"
    params: dict[str, str | int | bool] = {
        "fieldManager": MANAGER,
        "fieldValidation": validation,
    }
    if dry_run:
        params["dryRun"] = "All"
    return params


def _doing(verb: str, kind: Kind, name: str, namespace: str) -> str:
    return f"{verb} {kind.name} {f'{namespace}/' if namespace else ''}{name or '(new)'}"
