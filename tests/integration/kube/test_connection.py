"""Logins, trust, proxies and broken wires, against a real API server."""

from __future__ import annotations

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import Denied, Unavailable
from ansible_collections.c8s.ci.plugins.module_utils.kube.access import Right, missing, verdicts
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.faults import Uncertain
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import (
    CONFIG_MAP,
    NAMESPACE,
    SECRET,
    SERVICE_ACCOUNT,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.network_faults import NotSent
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources

from integration.kube.reach import client_of, kubeconfig, wired
from integration.kube.wire import wire
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster

READ_MAPS = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create"]}]


def config_map(name: str, **data: str) -> dict[str, object]:
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def token_of(client: Client, namespace: str, name: str) -> str:
    """A token of a new service account."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    Resources(client).create(account, namespace)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = SERVICE_ACCOUNT.path(namespace, name, "token")
    return str(client.request("POST", path, asked)["status"]["token"])


class TestTrust:
    def test_an_authority_that_signed_nothing_here(
        self, control_plane: Cluster, tmp_path: Path
    ) -> None:
        other = tmp_path / "ca.crt"
        other.write_bytes((control_plane.kubeconfig.parent / "pki" / "admin.crt").read_bytes())
        with client_of(control_plane, ca_cert=str(other)) as client:
            begun = time.monotonic()
            with pytest.raises(Unavailable, match=r"certificate of https://.* is not trusted"):
                Resources(client).listing(NAMESPACE)
            assert time.monotonic() - begun < 5

    def test_none_at_all_when_asked_for(self, control_plane: Cluster) -> None:
        config = kubeconfig(control_plane)
        del config["clusters"][0]["cluster"]["certificate-authority-data"]
        with client_of(control_plane, kubeconfig=config) as client, pytest.raises(Unavailable):
            Resources(client).listing(NAMESPACE)
        with client_of(control_plane, kubeconfig=config, validate_certs=False) as client:
            assert Resources(client).find(NAMESPACE, "default")


class TestLogins:
    def test_a_wrong_token(self, control_plane: Cluster) -> None:
        expected = pytest.raises(Denied, match="does not accept these credentials")
        with expected, client_of(control_plane, api_key="wrong") as client:
            Resources(client).listing(NAMESPACE)

    def test_a_token_that_has_run_out_and_is_replaced(
        self, control_plane: Cluster, control: Client, control_namespace: str, tmp_path: Path
    ) -> None:
        admin = Resources(control)
        file = tmp_path / "token"
        file.write_text(token_of(control, control_namespace, "first"))
        config = kubeconfig(control_plane)
        config["users"][0]["user"] = {"tokenFile": str(file)}
        with client_of(control_plane, kubeconfig=config) as client:
            mine = Resources(client)
            with pytest.raises(Denied, match=r"serviceaccount:.*:first"):
                mine.get(CONFIG_MAP, "none", control_namespace)
            # With its account a token dies at once, as it does when its time is over.
            admin.delete(SERVICE_ACCOUNT, "first", control_namespace)
            limit = time.monotonic() + 30
            while time.monotonic() < limit:
                with pytest.raises(Denied) as caught:
                    mine.get(CONFIG_MAP, "none", control_namespace)
                if "does not accept these credentials" in caught.value.message:
                    break
            assert "does not accept these credentials" in caught.value.message
            file.write_text(token_of(control, control_namespace, "second"))
            with pytest.raises(Denied, match=r"serviceaccount:.*:second"):
                mine.get(CONFIG_MAP, "none", control_namespace)

    def test_a_credential_plugin(
        self, control_plane: Cluster, control: Client, control_namespace: str, tmp_path: Path
    ) -> None:
        version = "client.authentication.k8s.io/v1"
        status = {"token": token_of(control, control_namespace, "plugged")}
        answer = {"apiVersion": version, "kind": "ExecCredential", "status": status}
        program = tmp_path / "login"
        program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
        program.chmod(0o755)
        config = kubeconfig(control_plane)
        config["users"][0]["user"] = {"exec": {"command": str(program), "apiVersion": version}}
        expected = pytest.raises(Denied, match=r"serviceaccount:.*:plugged")
        with expected, client_of(control_plane, kubeconfig=config) as client:
            Resources(client).listing(SECRET, "kube-system")

    def test_acting_as_somebody_else(self, control_plane: Cluster) -> None:
        options = {"impersonate_user": "ann", "impersonate_groups": ["dev", "system:masters"]}
        expected = pytest.raises(Denied, match='User "ann" cannot list')
        with expected, client_of(control_plane, impersonate_user="ann") as client:
            Resources(client).listing(SECRET, "default")
        with client_of(control_plane, **options) as client:
            Resources(client).listing(SECRET, "default")

    def test_rights_are_asked_side_by_side(
        self, control_plane: Cluster, control_namespace: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "config"
        kubeconfig_with_rights(control_plane, control_namespace, "reader", READ_MAPS, path)
        may = [Right(verb, "configmaps", namespace=control_namespace) for verb in ("get", "list")]
        may_not = [
            Right("create", "jobs", "batch", namespace=control_namespace),
            Right("get", "pods", subresource="log", namespace=control_namespace),
            Right("list", "configmaps"),
        ]
        with client_of(control_plane, kubeconfig=str(path)) as client:
            assert client.namespace == control_namespace
            assert missing(client, [*may, *may_not]) == tuple(may_not)
            assert [found.right for found in verdicts(client, may)] == may
        assert str(may_not[1]) == f"get pods/log in namespace {control_namespace}"


class TestProxies:
    def test_through_a_proxy_with_a_login(self, control_plane: Cluster) -> None:
        with wire(login="u:p") as proxy:
            options = {
                "proxy": f"http://127.0.0.1:{proxy.port}",
                "proxy_headers": {"proxy_basic_auth": "u:p", "user_agent": "c8s-test"},
            }
            with client_of(control_plane, **options) as client:
                assert Resources(client).find(NAMESPACE, "default")
            assert "user-agent: c8s-test" in proxy.asked[0].lower()
            expected = pytest.raises(NotSent, match="the proxy does not lead to")
            with expected, client_of(control_plane, proxy=options["proxy"]) as client:
                Resources(client).find(NAMESPACE, "default")
            asked = len(proxy.asked)
            host = kubeconfig(control_plane)["clusters"][0]["cluster"]["server"].split("//")[1]
            with client_of(control_plane, no_proxy=f"x,{host}", **options) as client:
                assert Resources(client).find(NAMESPACE, "default")
            assert len(proxy.asked) == asked

    def test_a_dead_proxy(self, control_plane: Cluster) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        expected = pytest.raises(NotSent, match="connection refused")
        with expected, client_of(control_plane, proxy=f"http://127.0.0.1:{port}") as client:
            Resources(client).find(NAMESPACE, "default")


class TestBrokenWires:
    def test_a_create_whose_answer_was_lost_is_cleared_up(
        self, control_plane: Cluster, control: Client, control_namespace: str
    ) -> None:
        with wired(control_plane) as (client, line):
            mine = Resources(client)
            mine.get(NAMESPACE, "default")
            with line.answers_lost(), pytest.raises(Uncertain):
                mine.create(config_map("lost", a="1"), control_namespace)
            made, sure = mine.create_once(config_map("lost", a="2"), control_namespace)
            assert (made["data"], sure) == ({"a": "1"}, False)
            made, sure = mine.create_once(config_map("fresh", a="2"), control_namespace)
            assert (made["metadata"]["name"], sure) == ("fresh", True)
        kept = Resources(control)
        assert kept.get(CONFIG_MAP, "lost", control_namespace)["data"] == {"a": "1"}
        assert kept.get(CONFIG_MAP, "fresh", control_namespace)["data"] == {"a": "2"}

    def test_what_may_come_twice_is_tried_until_it_passes(self, control_plane: Cluster) -> None:
        with wired(control_plane) as (client, line), ThreadPoolExecutor(1) as pool:
            mine = Resources(client)
            mine.get(NAMESPACE, "default")
            with line.refused():
                waiting = pool.submit(mine.get, NAMESPACE, "default")
                begun = line.accepted
                limit = time.monotonic() + 10
                while line.accepted < begun + 2 and time.monotonic() < limit:
                    os.sched_yield()
                assert not waiting.done()
            assert waiting.result(20)["metadata"]["name"] == "default"

    def test_a_server_that_says_nothing(self, control_plane: Cluster) -> None:
        with wired(control_plane, patience=0.0) as (client, line):
            Resources(client).get(NAMESPACE, "default")
            with line.silent(), pytest.raises(Uncertain, match="did not answer in time"):
                client.request("GET", "/version", timeout=0.5)
            assert client.request("GET", "/version")["major"] == "1"

    def test_hundreds_of_creates_on_a_few_connections(
        self, control_plane: Cluster, control_namespace: str
    ) -> None:
        with wired(control_plane) as (client, line), ThreadPoolExecutor(32) as pool:
            mine = Resources(client)
            manifests = [config_map(f"many-{i}") for i in range(600)]
            done = list(pool.map(lambda one: mine.create(one, control_namespace), manifests))
            assert len({found["metadata"]["uid"] for found in done}) == 600
            assert line.accepted <= 8
            listing = mine.listing(CONFIG_MAP, control_namespace)
            assert (
                sum(found["metadata"]["name"].startswith("many-") for found in listing.objects)
                == 600
            )
            assert listing.objects[0]["kind"] == "ConfigMap"
