"""What the doctor says of API servers that are away, silent, old, strange or of another time."""

from __future__ import annotations

import datetime
import email.utils
import re
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import rights
from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor import checks as grades
from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor import examination
from ansible_collections.c8s.ci.plugins.module_utils.runs.doctor.checks import Check

from unit.kube.fake_api import Reply, Request, fake_api, status

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "kubernetes.md"


def examine(url: str, tmp_path: Path, **more: Any) -> tuple[int, dict[str, Check]]:
    options = {"host": url, "api_key": "k", "store": str(tmp_path / "store"), **more}
    report = examination.examined(options, {}, lambda: NOW)
    return report.exit_code, {check.name: check for check in report.checks}


def answering(version: str = "v1.36.3", seconds: float = 0.0):
    """An API that knows its version and its time, and denies all the rest."""

    def answer(request: Request) -> Reply:
        if request.path != "/version":
            return status(403, 'it is forbidden: User "k" cannot do that', "Forbidden")
        date = email.utils.format_datetime(NOW + datetime.timedelta(seconds=seconds), usegmt=True)
        return Reply(200, {"gitVersion": version}, {"Date": date})

    return answer


@pytest.fixture(autouse=True)
def no_date_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from http.server import BaseHTTPRequestHandler

    def plain(self: BaseHTTPRequestHandler, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)

    monkeypatch.setattr(BaseHTTPRequestHandler, "send_response", plain)


def test_nothing_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    code, found = examine(url, tmp_path)
    assert (code, found["api"].status) == (5, "failed")
    assert url in found["api"].what
    assert "rights" not in found


def test_a_silent_server_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(examination, "PATIENCE_SECONDS", 0.2)
    with fake_api(lambda _request: Reply(silent=True)) as api:
        code, found = examine(api.url, tmp_path)
        assert (code, found["api"].status) == (5, "failed")
        assert "did not answer in time" in found["api"].what
        api.over.set()


def test_credentials_that_are_refused(tmp_path: Path) -> None:
    with fake_api(lambda _request: status(401, "who?", "Unauthorized")) as api:
        code, found = examine(api.url, tmp_path)
    assert (code, found["api"].status) == (4, "failed")
    assert found["api"].remedy.startswith("log in anew")


def test_another_server_is_none_of_kubernetes(tmp_path: Path) -> None:
    with fake_api(lambda _request: Reply(200, {"hello": "you"})) as api:
        code, found = examine(api.url, tmp_path)
    assert code == 5
    assert "is it a Kubernetes API?" in found["api"].what


def test_one_that_denies_all_is_told_without_a_failure_of_our_own(tmp_path: Path) -> None:
    with fake_api(answering()) as api:
        code, found = examine(api.url, tmp_path)
    assert code == 0
    assert found["rights"].status == "warning"
    assert "could not be checked" in found["rights"].what


@pytest.mark.parametrize(
    ("version", "grade"), [("v1.28.9", "failed"), ("v1.29.0", "passed"), ("v1.31.2+k3s1", "passed")]
)
def test_versions(tmp_path: Path, version: str, grade: str) -> None:
    with fake_api(answering(version)) as api:
        _code, found = examine(api.url, tmp_path)
    assert found["api"].status == grade
    assert version in found["api"].what


@pytest.mark.parametrize(
    ("theirs", "grade", "said"),
    [
        (0.0, "passed", "within 5 s"),
        (4.0, "passed", "within 5 s"),
        (60.0, "warning", "60 s behind the API server"),
        (-61.0, "warning", "60 s ahead of the API server"),
        (3600.0, "failed", "3600 s behind"),
    ],
)
def test_clocks(tmp_path: Path, theirs: float, grade: str, said: str) -> None:
    with fake_api(answering(seconds=theirs)) as api:
        _code, found = examine(api.url, tmp_path)
    assert found["clock"].status == grade
    assert said in found["clock"].what


def test_without_a_cluster_this_host_is_enough(tmp_path: Path) -> None:
    options = {"store": str(tmp_path / "store")}
    report = examination.examined(options, {"HOME": str(tmp_path)}, lambda: NOW)
    found = {check.name: check for check in report.checks}
    assert (report.exit_code, found["kubeconfig"].status) == (0, "warning")
    assert found["store"].status == "passed"
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("named", [{"kubeconfig": "gone"}, {"namespace": "ci"}])
def test_a_cluster_that_was_named_has_to_be_there(tmp_path: Path, named: dict[str, str]) -> None:
    report = examination.examined(named, {"HOME": str(tmp_path)}, lambda: NOW)
    assert report.exit_code == 1


def test_a_store_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = {"store": str(tmp_path / "file")}
    report = examination.examined(options, {"HOME": str(tmp_path)}, lambda: NOW)
    (check,) = [check for check in report.checks if check.name == "store"]
    assert check.status == "failed"
    assert report.exit_code == 1


def test_other_stores_are_looked_at_too(tmp_path: Path) -> None:
    asked = []

    def bucket(options: Any, _environment: Any) -> list[Check]:
        asked.append(options["store"])
        return [grades.failed("object store", "no such bucket", exit_code=5)]

    options = {"store": str(tmp_path)}
    environment = {"HOME": str(tmp_path)}
    report = examination.examined(options, environment, lambda: NOW, store_checks=bucket)
    assert (asked, report.exit_code) == ([str(tmp_path)], 5)


def test_the_gravest_decides() -> None:
    well, wrong = grades.passed("a", ""), grades.failed("b", "")
    denied = grades.failed("c", "", exit_code=4)
    away = grades.failed("d", "", exit_code=5)
    assert grades.exit_code([]) == 0
    assert grades.exit_code([well, grades.warning("w", "")]) == 0
    assert grades.exit_code([well, wrong]) == 1
    assert grades.exit_code([denied, wrong]) == 4
    assert grades.exit_code([wrong, away, denied]) == 5


def test_people_see_what_mends_it() -> None:
    told = grades.table(
        [grades.passed("git", "there"), grades.failed("rights", "one\ntwo", "this\n  that")]
    )
    assert told.splitlines() == [
        "passed   git     there",
        "failed   rights  one",
        "                 two",
        "                 mend: this",
        "                   that",
    ]


def test_the_documented_role_is_what_is_asked_for() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (role,) = [
        found
        for block in blocks
        for found in yaml.safe_load_all(block)
        if isinstance(found, dict) and found.get("kind") == "Role"
    ]
    documented = [
        rights.Rule(rule["apiGroups"][0], rule["resources"][0], tuple(rule["verbs"]))
        for rule in role["rules"]
    ]
    assert documented == [*rights.DRIVING, *rights.TELLING, *rights.CARRYING]


def test_a_role_is_written_as_kubernetes_reads_it() -> None:
    wanted = [*rights.DRIVING, *rights.CARRYING]
    role = yaml.safe_load(rights.role(rights.rights(wanted, "ci"), "ci"))
    assert role["metadata"] == {"name": "c8s-runs", "namespace": "ci"}
    assert role["rules"] == [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)}
        for rule in wanted
    ]


def test_an_object_store_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "given")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    with fake_api(answering()) as api:
        named = {"object_store": "s3://builds/ci", "object_store_endpoint": endpoint}
        code, found = examine(api.url, tmp_path, **named)
        assert (code, found["object store"].status) == (5, "failed")
        assert endpoint in found["object store"].what
        _code, found = examine(api.url, tmp_path, object_store="http://builds")
        assert "s3://BUCKET" in found["object store"].what
        _code, found = examine(api.url, tmp_path)
        assert "object store" not in found
