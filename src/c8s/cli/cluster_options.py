"""The options that say which cluster a verb means, written once for all verbs that have them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from . import options
from .cluster import Cluster

PLACE: Mapping[str, tuple[Any, Any]] = {
    "context": (options.Context, ""),
    "namespace": (options.Namespace, ""),
    "kubeconfig": (options.Kubeconfig, ""),
}
PODS: Mapping[str, tuple[Any, Any]] = {
    "agent_image": (options.AgentImage, ""),
    "clone_secret": (options.CloneSecret, ""),
    "authorities": (options.Authorities, ""),
    "runtime_class": (options.RuntimeClass, ""),
    "pull_secret": (options.PullSecret, None),
    "priority_class_prefix": (options.PriorityClassPrefix, ""),
    "run_as_user": (options.RunAsUser, None),
}
OBJECTS: Mapping[str, tuple[Any, Any]] = {
    "object_store": (options.ObjectStore, ""),
    "object_store_endpoint": (options.ObjectStoreEndpoint, ""),
    "object_store_region": (options.ObjectStoreRegion, ""),
    "object_store_addressing": (options.ObjectStoreAddressing, None),
    "object_store_ca_cert": (options.ObjectStoreAuthorities, ""),
}
"""Each by its name: its annotation and its default."""

Verb = Callable[..., None]


def takes(*groups: Mapping[str, tuple[Any, Any]]) -> Callable[[Verb], Verb]:
    """Give a verb the options of these groups where it has a parameter `cluster`.

    What was given comes to it as one `Cluster`, with the verb's own `executor` where it has one.
    """
    shared = {name: option for group in groups for name, option in group.items()}

    def decorate(verb: Verb) -> Verb:
        parameters: list[inspect.Parameter] = []
        for own in inspect.signature(verb, eval_str=True).parameters.values():
            if own.name == "cluster":
                parameters += [
                    own.replace(name=name, annotation=annotation, default=default)
                    for name, (annotation, default) in shared.items()
                ]
            else:
                parameters.append(own)

        @functools.wraps(verb)
        def told(**given: Any) -> None:
            mine = {name: given.pop(name) for name in shared}
            verb(cluster=_cluster(mine, given.get("executor")), **given)

        del told.__wrapped__
        told.__annotations__ = {one.name: one.annotation for one in parameters}
        told.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return told

    return decorate


def _cluster(given: Mapping[str, Any], executor: options.Executor | None) -> Cluster:
    said = {name: value for name, value in given.items() if value is not None}
    said["pull_secrets"] = tuple(said.pop("pull_secret", ()))
    return Cluster(executor=executor, **said)
