"""The connection options agree wherever they are written down."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.doc_fragments.kubernetes import ModuleDocFragment
from ansible_collections.c8s.ci.plugins.module_utils.kube.arguments import (
    PROXY_HEADER_VARIABLES,
    VARIABLES,
    argument_spec,
    secret_values,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import ConnectionOptions

DOCUMENTED: dict[str, Any] = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
SPEC = argument_spec(fallback=len)


def variables_in(option: dict[str, Any]) -> set[str]:
    return set(re.findall(r"E\((K8S_\w+)\)", " ".join(option["description"])))


def test_every_option_is_in_spec_documentation_and_options() -> None:
    fields = set(ConnectionOptions.__dataclass_fields__)
    assert set(SPEC) == set(DOCUMENTED) == fields


@pytest.mark.parametrize("name", sorted(set(SPEC) - {"proxy_headers"}))
def test_each_option_is_documented_as_it_is(name: str) -> None:
    spec, documented = SPEC[name], DOCUMENTED[name]
    for key in ("type", "elements"):
        assert spec.get(key) == documented.get(key)
    assert spec.get("aliases", []) == documented.get("aliases", [])
    assert spec["fallback"] == (len, list(VARIABLES[name]))
    assert variables_in(documented) == set(VARIABLES[name])


def test_proxy_headers_are_documented_as_they_are() -> None:
    spec, documented = SPEC["proxy_headers"], DOCUMENTED["proxy_headers"]
    assert set(spec["options"]) == set(documented["suboptions"]) == set(PROXY_HEADER_VARIABLES)
    for name, variables in PROXY_HEADER_VARIABLES.items():
        assert spec["options"][name]["fallback"] == (len, list(variables))
        assert variables_in(documented["suboptions"][name]) == set(variables)


def test_names_are_those_of_kubernetes_core() -> None:
    names = (
        "kubeconfig context host api_key username password validate_certs ca_cert client_cert "
        "client_key proxy no_proxy proxy_headers persist_config impersonate_user impersonate_groups"
    )
    assert set(SPEC) == set(names.split())


def test_secrets_are_marked() -> None:
    assert {name for name, option in SPEC.items() if option.get("no_log")} == {
        "api_key",
        "password",
    }
    kubeconfig = {
        "users": [
            {"name": "ci", "user": {"token": "t0p", "client-key-data": "a2V5"}},
            {"user": {"auth-provider": {"config": {"id-token": "idt"}}}},
        ]
    }
    params = {
        "api_key": "key",
        "password": None,
        "kubeconfig": kubeconfig,
        "proxy_headers": {"proxy_basic_auth": "a:b", "user_agent": "me"},
    }
    assert secret_values(params) == {"key", "t0p", "a2V5", "idt", "a:b"}
    assert secret_values({"kubeconfig": "/path"}) == frozenset()
