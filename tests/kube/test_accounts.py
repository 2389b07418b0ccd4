"""Users have the rights they were given and not one more."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube.accounts import kubeconfig_with_rights
from kube.api import Api, ApiError
from kube.cluster import Cluster


def test_a_user_has_exactly_the_rights_given(
    control_plane: Cluster, control_namespace: str, tmp_path: Path
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    place = control_namespace
    path = kubeconfig_with_rights(control_plane, place, "reader", rules, tmp_path / "config")
    assert path.stat().st_mode & 0o077 == 0
    api = Api(path)
    assert api.get(f"/api/v1/namespaces/{place}/pods")["items"] == []
    for denied in (f"/api/v1/namespaces/{place}/secrets", "/api/v1/namespaces/default/pods"):
        with pytest.raises(ApiError) as refused:
            api.get(denied)
        assert refused.value.status == 403
