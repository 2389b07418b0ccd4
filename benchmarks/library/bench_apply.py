"""Manifests applied side by side by `module_utils/kube`: as a module of a play, or as a function.

No door of the collection takes manifests as they come. This one has as much around the room that
all modules use as a module needs, so that the room can be measured with Ansible around it.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Sequence
from typing import Any

from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

SIDE_BY_SIDE = 8


def changed(kubeconfig: str, namespace: str, manifests: Sequence[dict[str, Any]]) -> int:
    """Apply them; how many were not so before. Each is read, applied and compared."""
    options = connection_options({"kubeconfig": kubeconfig}, {})
    with (
        connect(options, {}, connections=SIDE_BY_SIDE) as client,
        concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        resources = Resources(client)

        def differs(manifest: dict[str, Any]) -> bool:
            kind, name = resources.kind(manifest), manifest["metadata"]["name"]
            before = resources.find(kind, name, namespace)
            after = resources.apply(manifest, namespace)
            return before is None or _version(before) != _version(after)

        return sum(pool.map(differs, manifests))


def _version(found: dict[str, Any]) -> str:
    return str(found["metadata"]["resourceVersion"])


def main() -> None:
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(
        {
            "kubeconfig": {"type": "path", "required": True},
            "namespace": {"type": "str", "required": True},
            "definition": {"type": "list", "elements": "dict", "required": True},
        }
    )
    options = module.params
    count = changed(options["kubeconfig"], options["namespace"], options["definition"])
    module.exit_json(changed=count > 0)


if __name__ == "__main__":
    main()
