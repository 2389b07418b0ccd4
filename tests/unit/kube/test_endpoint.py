"""Which cluster and which login the options, the kubeconfig and the surroundings add up to."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.c8s.ci.plugins.module_utils.kube.endpoint import Target, target
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from ansible_collections.c8s.ci.plugins.module_utils.kube.proxy import goes_direct


def config(**user: Any) -> dict[str, Any]:
    return {
        "current-context": "main",
        "contexts": [
            {"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
            {"name": "bare", "context": {"cluster": "c"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://c:6443/"}}],
        "users": [{"name": "u", "user": user}],
    }


def found(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, **params: Any
) -> Target:
    options = connection_options(params, environ or {})
    return target(options, environ or {}, folder or Path("/nowhere"))


def written(path: Path, content: object) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


class TestKubeconfig:
    def test_a_path(self, tmp_path: Path) -> None:
        got = found(kubeconfig=written(tmp_path / "k", config(token="abc")))
        assert got.endpoint.server == "https://c:6443"
        assert got.namespace == "team"
        assert got.context == "main"
        assert got.credentials.current().authorization == "Bearer abc"

    def test_a_mapping(self) -> None:
        got = found(kubeconfig=config(username="a", password="b"))
        assert got.credentials.current().authorization == "Basic YTpi"

    def test_another_context(self) -> None:
        got = found(kubeconfig=config(token="abc"), context="bare")
        assert got.namespace == "default"
        assert got.credentials.current().authorization == ""

    def test_relative_files_start_from_the_kubeconfig(self, tmp_path: Path) -> None:
        (tmp_path / "t").write_text("from-file\n")
        (tmp_path / "crt").write_bytes(b"CERT")
        (tmp_path / "key").write_bytes(b"KEY")
        user = {"tokenFile": "t", "client-certificate": "crt", "client-key": "key"}
        login = found(kubeconfig=written(tmp_path / "k", config(**user))).credentials.current()
        assert login.authorization == "Bearer from-file"
        assert login.certificate == b"CERT\nKEY"

    def test_data_beats_files(self) -> None:
        content = config(**{"client-certificate-data": base64.b64encode(b"C").decode()})
        content["clusters"][0]["cluster"] |= {
            "certificate-authority-data": base64.b64encode(b"CA").decode(),
            "certificate-authority": "/no/such/file",
            "insecure-skip-tls-verify": True,
            "tls-server-name": "other",
            "proxy-url": "http://proxy:3128",
        }
        got = found(kubeconfig=content)
        assert got.endpoint.authority == b"CA"
        assert not got.endpoint.verify
        assert got.endpoint.server_name == "other"
        assert got.endpoint.proxy == "http://proxy:3128"
        assert got.credentials.current().certificate == b"C\n"

    def test_impersonation_of_the_user_entry(self) -> None:
        got = found(kubeconfig=config(**{"as": "bob", "as-groups": ["x"]}))
        assert got.endpoint.impersonate_user == "bob"
        assert got.endpoint.impersonate_groups == ("x",)

    def test_files_are_merged_and_the_first_wins(self, tmp_path: Path) -> None:
        other = config(token="second")
        other["contexts"] = [{"name": "more", "context": {"cluster": "c", "user": "v"}}]
        other["users"].append({"name": "v", "user": {"token": "vvv"}})
        paths = [
            written(tmp_path / "a", config(token="first")),
            str(tmp_path / "missing"),
            written(tmp_path / "b", other),
        ]
        environ = {"KUBECONFIG": ":".join(paths)}
        assert found(environ).credentials.current().authorization == "Bearer first"
        assert found(environ, context="more").credentials.current().authorization == "Bearer vvv"

    def test_the_usual_place(self, tmp_path: Path) -> None:
        (tmp_path / ".kube").mkdir()
        written(tmp_path / ".kube" / "config", config(token="home"))
        assert found({"HOME": str(tmp_path)}).credentials.current().authorization == "Bearer home"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("[]", "no mapping at its top"),
            ("a: [", "is no kubeconfig"),
            ("clusters: 3", "clusters is no list of named entries"),
            ("", "no context is current"),
            ("current-context: x\ncontexts: []", "contexts has no 'x'"),
            (yaml.safe_dump(config() | {"current-context": "mian"}), "did you mean 'main'"),
            (yaml.safe_dump(config() | {"clusters": []}), "clusters has no 'c'"),
        ],
    )
    def test_what_cannot_be_right(self, tmp_path: Path, content: str, words: str) -> None:
        path = tmp_path / "k"
        path.write_text(content)
        with pytest.raises(InvalidInput, match=words):
            found(kubeconfig=str(path))

    def test_secrets_are_not_shown(self) -> None:
        options = connection_options({"kubeconfig": config(token="s3cret"), "api_key": "k3y"}, {})
        assert "s3cret" not in repr(options)
        assert "k3y" not in repr(options)
        assert "s3cret" not in repr(found(kubeconfig=config(token="s3cret")))


class TestOptions:
    def test_a_login_of_its_own_replaces_that_of_the_kubeconfig(self) -> None:
        got = found(kubeconfig=config(token="abc"), api_key="mine", host="https://other:1")
        assert got.endpoint.server == "https://other:1"
        assert got.credentials.current().authorization == "Bearer mine"

    def test_host_and_key_need_no_kubeconfig(self) -> None:
        got = found({"HOME": "/nowhere"}, host="https://h:1/", api_key="k", validate_certs=False)
        assert got.endpoint.server == "https://h:1"
        assert not got.endpoint.verify

    @pytest.mark.parametrize(
        ("variable", "value", "field", "expected"),
        [
            ("K8S_AUTH_HOST", "https://e", "host", "https://e"),
            ("K8S_AUTH_API_KEY", "k", "api_key", "k"),
            ("K8S_AUTH_CONTEXT", "c", "context", "c"),
            ("K8S_AUTH_KUBECONFIG", "/k", "kubeconfig", "/k"),
            ("K8S_AUTH_USERNAME", "u", "username", "u"),
            ("K8S_AUTH_PASSWORD", "p", "password", "p"),
            ("K8S_AUTH_VERIFY_SSL", "no", "validate_certs", False),
            ("K8S_AUTH_VALIDATE_CERTS", "true", "validate_certs", True),
            ("K8S_AUTH_SSL_CA_CERT", "/ca", "ca_cert", "/ca"),
            ("K8S_AUTH_CA_CERT", "/ca", "ca_cert", "/ca"),
            ("K8S_AUTH_CERT_FILE", "/c", "client_cert", "/c"),
            ("K8S_AUTH_KEY_FILE", "/y", "client_key", "/y"),
            ("K8S_AUTH_PROXY", "http://p", "proxy", "http://p"),
            ("K8S_AUTH_NO_PROXY", "a,b", "no_proxy", "a,b"),
            ("K8S_AUTH_PERSIST_CONFIG", "1", "persist_config", True),
            ("K8S_AUTH_IMPERSONATE_USER", "i", "impersonate_user", "i"),
            ("K8S_AUTH_IMPERSONATE_GROUPS", "a, b", "impersonate_groups", ("a", "b")),
        ],
    )
    def test_environment(self, variable: str, value: str, field: str, expected: object) -> None:
        assert getattr(connection_options({}, {variable: value}), field) == expected

    def test_parameters_beat_the_environment(self) -> None:
        environ = {"K8S_AUTH_CONTEXT": "env", "K8S_AUTH_VERIFY_SSL": "no"}
        options = connection_options({"context": "mine", "validate_certs": True}, environ)
        assert options.context == "mine"
        assert options.validate_certs is True

    def test_proxy_headers(self) -> None:
        environ = {"K8S_AUTH_PROXY_HEADERS_USER_AGENT": "me/1"}
        options = connection_options(
            {"proxy_headers": {"proxy_basic_auth": "a:b", "user_agent": None}}, environ
        )
        assert options.proxy_headers.proxy_basic_auth == "a:b"
        assert options.proxy_headers.user_agent == "me/1"

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({"validate_certs": "perhaps"}, "neither yes nor no"),
            ({"kubeconfig": 3}, "give a path or a mapping"),
            ({"host": "c:6443", "api_key": "k"}, "is no URL of an API server"),
            ({"host": "https://h", "api_key": "a b"}, "the token holds blanks"),
            ({"host": "https://h", "impersonate_groups": ["x"]}, "needs impersonate_user"),
        ],
    )
    def test_what_cannot_be_right(self, params: dict[str, Any], words: str) -> None:
        with pytest.raises(InvalidInput, match=words):
            found({"HOME": "/nowhere"}, **params)

    def test_nothing_to_connect_to(self) -> None:
        with pytest.raises(NotFound, match="no cluster to connect to"):
            found({"HOME": "/nowhere"})
        with pytest.raises(NotFound, match="there is no kubeconfig /nowhere/k"):
            found(kubeconfig="/nowhere/k")


class TestInsideACluster:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "token").write_text("pod")
        (tmp_path / "namespace").write_text("home")
        (tmp_path / "ca.crt").write_text("CA")
        return tmp_path

    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}  # noqa: RUF012

    def test_the_service_account(self, folder: Path) -> None:
        got = found({**self.environ, "HOME": "/nowhere"}, folder)
        assert got.endpoint.server == "https://[fd00::1]:443"
        assert got.namespace == "home"
        assert got.credentials.current().authorization == "Bearer pod"

    def test_what_was_named_comes_first(self, folder: Path) -> None:
        path = written(folder / "k", config(token="named"))
        for environ in ({"KUBECONFIG": path}, {"K8S_AUTH_KUBECONFIG": path}):
            assert found({**self.environ, **environ}, folder).context == "main"


class TestProxy:
    @pytest.mark.parametrize(
        ("server", "no_proxy", "direct"),
        [
            ("https://a.example.com:6443", "", False),
            ("https://a.example.com:6443", "*", True),
            ("https://a.example.com:6443", "example.com", True),
            ("https://a.example.com:6443", "x, .example.com", True),
            ("https://a.example.com:6443", "*.example.com", True),
            ("https://a.example.com:6443", "ample.com", False),
            ("https://a.example.com:6443", "a.example.com:6443", True),
            ("https://a.example.com:6443", "a.example.com:443", False),
            ("https://10.1.2.3", "10.0.0.0/8", True),
            ("https://11.1.2.3", "10.0.0.0/8", False),
            ("https://10.1.2.3", "10.1.2.3:443", True),
            ("https://[fd00::1]:6443", "fd00::/8", True),
            ("https://[fd00::1]:6443", "[fd00::1]", True),
        ],
    )
    def test_who_goes_direct(self, server: str, no_proxy: str, direct: bool) -> None:
        assert goes_direct(server, no_proxy) is direct

    def test_the_environment_serves_where_nothing_else_is_said(self) -> None:
        environ = {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "x"}
        got = found(environ, kubeconfig=config()).endpoint
        assert (got.proxy, got.no_proxy) == ("http://env:1", "x")
        got = found(environ, kubeconfig=config(), proxy="http://mine:2", no_proxy="y").endpoint
        assert (got.proxy, got.no_proxy) == ("http://mine:2", "y")
