"""Objects written and read on a real API server."""

from __future__ import annotations

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Conflict as Moved
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.c8s.ci.plugins.module_utils.kube import kinds
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.faults import (
    AlreadyExists,
    FieldConflict,
    QuotaExceeded,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from kube.waiting import wait_for

MAP = kinds.CONFIG_MAP


@pytest.fixture
def resources(control: Client) -> Resources:
    return Resources(control)


def config_map(name: str, **data: str) -> dict[str, object]:
    metadata = {"name": name, "labels": {"for": "test"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_every_known_path_is_served(control: Client) -> None:
    """The fixed paths are those of the server, but for kinds that are defined by ourselves."""
    for kind in kinds.KNOWN.values():
        if kind.group == "c8s.dev":
            continue
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        served = {
            (found["name"], found["kind"], found["namespaced"])
            for found in control.request("GET", root)["resources"]
        }
        assert (kind.plural, kind.name, kind.namespaced) in served


def test_create_read_delete(resources: Resources, control_namespace: str) -> None:
    made = resources.create(config_map("a", x="1"), control_namespace)
    with pytest.raises(AlreadyExists, match=f"create ConfigMap {control_namespace}/a"):
        resources.create(config_map("a"), control_namespace)
    assert resources.get(MAP, "a", control_namespace)["data"] == {"x": "1"}
    assert not resources.delete(MAP, "a", control_namespace, uid="another")
    assert resources.delete(MAP, "a", control_namespace, uid=made["metadata"]["uid"])
    assert not resources.delete(MAP, "a", control_namespace)
    assert resources.find(MAP, "a", control_namespace) is None
    with pytest.raises(NotFound, match=f"read ConfigMap {control_namespace}/a"):
        resources.get(MAP, "a", control_namespace)


def test_nothing_is_done_in_a_dry_run(resources: Resources, control_namespace: str) -> None:
    resources.create(config_map("dry"), control_namespace, dry_run=True)
    resources.apply(config_map("dry"), control_namespace, dry_run=True)
    assert resources.find(MAP, "dry", control_namespace) is None
    resources.create(config_map("wet"), control_namespace)
    assert resources.delete(MAP, "wet", control_namespace, dry_run=True)
    assert resources.find(MAP, "wet", control_namespace)


def test_what_the_server_does_not_know(resources: Resources, control_namespace: str) -> None:
    wrong = config_map("wrong") | {"dota": {}}
    for attempt in (
        lambda: resources.apply(wrong, control_namespace),
        lambda: resources.create(wrong, control_namespace, strict=True),
        lambda: resources.create(config_map("No_Name"), control_namespace),
    ):
        with pytest.raises(InvalidInput, match=r"dota|metadata\.name"):
            attempt()
    with pytest.raises(NotFound, match="serves no Wish in v1"):
        resources.create({"apiVersion": "v1", "kind": "Wish", "metadata": {"name": "x"}})
    with pytest.raises(InvalidInput, match="no apiVersion and kind"):
        resources.create({"metadata": {"name": "x"}})


def test_a_kind_that_is_not_known_here(resources: Resources, control_namespace: str) -> None:
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "x"},
        "spec": {
            "maxReplicas": 2,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        },
    }
    resources.create(manifest, control_namespace)
    assert resources.delete(resources.kind(manifest), "x", control_namespace)


def test_apply_names_who_holds_a_field(resources: Resources, control_namespace: str) -> None:
    first = resources.apply(config_map("shared", a="1"), control_namespace)
    again = resources.apply(config_map("shared", a="1"), control_namespace)
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    resources.apply(config_map("shared", b="2"), control_namespace, manager="other")
    with pytest.raises(FieldConflict) as caught:
        resources.apply(config_map("shared", a="3"), control_namespace, manager="other")
    assert caught.value.owners == (("c8s", ".data.a"),)
    forced = resources.apply(
        config_map("shared", a="3"), control_namespace, manager="other", force=True
    )
    assert forced["data"] == {"a": "3"}


def test_a_patch_guarded_by_the_version(resources: Resources, control_namespace: str) -> None:
    made = resources.create(config_map("p", a="1"), control_namespace)
    version = made["metadata"]["resourceVersion"]
    guarded = {"metadata": {"resourceVersion": version}, "data": {"a": "2"}}
    assert resources.patch(MAP, "p", guarded, control_namespace)["data"] == {"a": "2"}
    with pytest.raises(Moved, match="patch ConfigMap"):
        resources.patch(MAP, "p", guarded, control_namespace)
    with pytest.raises(Moved, match="replace ConfigMap"):
        resources.replace(made, control_namespace)


def test_a_full_quota_is_told_from_other_refusals(
    resources: Resources, control_namespace: str
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    resources.create(quota, control_namespace)
    container = {"name": "c", "image": "busybox"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }

    def refusal() -> QuotaExceeded | None:
        try:
            resources.create(job, control_namespace, dry_run=True)
        except QuotaExceeded as error:
            return error
        return None

    # The server takes a quota a moment before its admission knows of it.
    assert "exceeded quota: none" in str(wait_for("the quota to count", refusal))


def test_lists_by_labels_and_fields_and_their_deletion(
    resources: Resources, control_namespace: str
) -> None:
    for name in ("a", "b"):
        resources.create(config_map(name), control_namespace)
    listed = resources.listing(MAP, control_namespace, labels="for=test").objects
    assert {found["metadata"]["name"] for found in listed} == {"a", "b"}
    listed = resources.listing(MAP, "", labels="for=test", fields="metadata.name=a").objects
    assert control_namespace in {found["metadata"]["namespace"] for found in listed}
    resources.delete_all(MAP, control_namespace, labels="for=test")
    assert not resources.listing(MAP, control_namespace, labels="for=test").objects
    with pytest.raises(InvalidInput, match="without labels"):
        resources.delete_all(MAP, control_namespace, labels="")
