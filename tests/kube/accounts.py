"""Users with exactly the rights that a test gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from kube.cluster import Cluster

RBAC = "rbac.authorization.k8s.io"


def kubeconfig_with_rights(
    cluster: Cluster,
    namespace: str,
    name: str,
    rules: Sequence[Mapping[str, Sequence[str]]],
    path: Path,
) -> Path:
    """Write to `path` the kubeconfig of a new service account; `path`.

    `rules` are those of a Role in `namespace`, which is also the kubeconfig's own namespace:
    `[{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}]`. The token is good for
    ten hours.
    """
    api, metadata = cluster.api(), {"name": name}
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api.create(accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    roles = f"/apis/{RBAC}/v1/namespaces/{namespace}"
    kind = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    api.create(f"{roles}/roles", {**kind, "kind": "Role", "rules": list(rules)})
    api.create(
        f"{roles}/rolebindings",
        {
            **kind,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    )
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 36000},
    }
    token = api.create(f"{accounts}/{name}/token", asked)["status"]["token"]
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    context = config["contexts"][0]
    context["context"] |= {"user": name, "namespace": namespace}
    config |= {
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [context],
        "current-context": context["name"],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return path
