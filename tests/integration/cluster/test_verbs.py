"""The verbs of the command on runs of a cluster: what they find, and how they end."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client
from ansible_collections.c8s.ci.plugins.module_utils.kube.kinds import CONFIG_MAP
from ansible_collections.c8s.ci.plugins.module_utils.kube.resources import Resources
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.record import to_record
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.status import Phase
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster import rights
from ansible_collections.c8s.ci.plugins.module_utils.runs.cluster.records import (
    ConfigMapRecords,
)
from ansible_collections.c8s.ci.plugins.module_utils.storage.run_directory import RunDirectory

from integration.cluster.conftest import Command
from kube.accounts import kubeconfig_with_rights
from kube.cluster import Cluster
from sample_runs import ended, in_phase, pipeline_text, run_of

TEXT = pipeline_text({"build": [], "test": ["build"]})
VERBS = [
    ("get", "runs"),
    ("get", "runs", "over"),
    ("logs", "over"),
    ("logs", "over", "--step", "build"),
    ("cancel", "over"),
    ("rerun", "over"),
    ("rerun", "over", "--failed"),
]


@pytest.fixture
def kept(control: Client, control_namespace: str, tmp_path: Path) -> ConfigMapRecords:
    """The records of a run that is over and of one that another host drives."""
    records = ConfigMapRecords(control, control_namespace, RunDirectory(tmp_path / "elsewhere"))
    now = datetime.datetime.now(datetime.UTC)
    over = run_of(TEXT, ended("build"), ended("test"), name="over")
    halfway = run_of(TEXT, ended("build"), name="halfway")
    runs = in_phase(over, Phase.SUCCEEDED), in_phase(halfway, Phase.RUNNING, start_time=now)
    records.create_all([to_record(run) for run in runs])
    return records


@pytest.fixture
def user(c8s: Command, control_plane: Cluster, control_namespace: str, tmp_path: Path) -> Command:
    """Who has exactly the documented rights; the kubeconfig's namespace is that of the runs."""
    rules = [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)}
        for rule in rights.DRIVING
    ]
    path = kubeconfig_with_rights(control_plane, control_namespace, "ci", rules, tmp_path / "ci")
    return c8s.with_kubeconfig(path)


@pytest.mark.usefixtures("kept")
def test_runs_are_found_by_namespace_by_kubeconfig_and_by_executor(
    c8s: Command, user: Command, control_namespace: str
) -> None:
    config = Path(user.environment["KUBECONFIG"])
    for done in (
        c8s("get", "runs", "-n", control_namespace, "-o", "name"),
        c8s("get", "runs", "--kubeconfig", config, "-o", "name"),
        user("get", "runs", "--executor", "kubernetes", "-o", "name"),
        user("-o", "name", "get", "runs", "--executor=kubernetes"),
    ):
        assert (done.code, sorted(done.out.split())) == (0, ["halfway", "over"]), done.err
    # Without any of these it is this host's store, in which there is none.
    assert "No runs found" in user("get", "runs").err
    assert "No runs found" in user("get", "runs", "--executor", "local", "-n", "x").err


@pytest.mark.usefixtures("kept")
def test_every_form_of_output(user: Command) -> None:
    place = ("--executor", "kubernetes")
    one = json.loads(user("get", "runs", "over", *place, "-o", "json").out)
    assert (one["metadata"]["name"], one["status"]["phase"]) == ("over", "Succeeded")
    assert yaml.safe_load(user("get", "runs", "over", *place, "-o", "yaml").out) == one
    several = json.loads(user("get", "runs", *place, "-o", "json").out)
    assert len(several["items"]) == 2
    text = user("get", "runs", "over", *place).out
    assert "STEP" in text
    assert "build  Succeeded" in text
    assert "DETAIL" in user("get", "runs", *place, "-o", "wide").out
    only = user("get", "runs", *place, "--phase", "Running", "-o", "name")
    assert only.out == "halfway\n"


@pytest.mark.usefixtures("kept")
def test_the_wish_to_end_a_run_is_left_for_who_drives_it(
    user: Command, control: Client, control_namespace: str
) -> None:
    done = user("cancel", "halfway", "--executor", "kubernetes")
    assert (done.code, done.out) == (0, "")
    assert "halfway was asked to end" in done.err
    record = Resources(control).get(CONFIG_MAP, "c8s-halfway", control_namespace)
    assert record["metadata"]["labels"]["c8s.dev/cancel"] == "requested"
    request = json.loads(record["metadata"]["annotations"]["c8s.dev/cancel-request"])
    assert request["reason"] == "CancelledBy"
    done = user("cancel", "over", "--executor", "kubernetes")
    assert done.code == 1
    assert "has ended already: Succeeded" in done.err


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("verb", [verb for verb in VERBS if "over" in verb])
def test_a_run_that_is_not_there(user: Command, verb: tuple[str, ...]) -> None:
    words = [word.replace("over", "gone") for word in verb]
    done = user(*words, "--executor", "kubernetes")
    assert done.code == 3, done.err
    assert "no run is named 'gone'" in done.err


@pytest.mark.usefixtures("kept")
def test_a_log_or_step_that_is_not_there(user: Command) -> None:
    place = ("--executor", "kubernetes")
    assert user("logs", "over", "--step", "none", *place).code == 3
    done = user("logs", "over", "--step", "build", *place)
    assert done.code == 3
    assert "has no log" in done.err


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("verb", [*VERBS, ("plan", "p.json"), ("run", "p.json")])
def test_who_may_not_is_told(
    c8s: Command,
    control_plane: Cluster,
    control_namespace: str,
    tmp_path: Path,
    verb: tuple[str, ...],
) -> None:
    (c8s.folder / "p.json").write_text(TEXT)
    path = kubeconfig_with_rights(control_plane, control_namespace, "nobody", [], tmp_path / "no")
    done = c8s.with_kubeconfig(path)(*verb, "--executor", "kubernetes")
    if verb[0] == "plan":
        # A plan tells all that is missing instead of ending at the first.
        assert done.code == 1
        assert "you may not create configmaps" in done.out
        return
    assert done.code == 4, done.err
    assert "forbidden" in done.err


@pytest.mark.parametrize("verb", [*VERBS, ("plan", "p.json"), ("run", "p.json"), ("doctor",)])
def test_a_cluster_that_is_away(c8s: Command, tmp_path: Path, verb: tuple[str, ...]) -> None:
    (c8s.folder / "p.json").write_text(TEXT)
    config = yaml.safe_load(Path(c8s.environment["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "away.yaml"
    path.write_text(json.dumps(config))
    place = () if verb == ("doctor",) else ("--executor", "kubernetes")
    done = c8s.with_kubeconfig(path)(*verb, *place)
    assert done.code == 5, done.err
    assert "127.0.0.1:1" in done.err + done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--context", "gone"), 2, "contexts has no 'gone'"),
        (("--kubeconfig", "gone.yaml"), 3, "there is no kubeconfig gone.yaml"),
    ],
)
def test_a_cluster_that_is_not_known(
    c8s: Command, words: tuple[str, ...], code: int, said: str
) -> None:
    for verb in (("get", "runs"), ("logs", "a"), ("cancel", "a"), ("rerun", "a")):
        done = c8s(*verb, *words)
        assert done.code == code
        assert said in done.err


@pytest.mark.usefixtures("kept")
def test_names_are_completed_from_the_cluster(
    c8s: Command, user: Command, control_namespace: str, tmp_path: Path
) -> None:
    def offered(command: Command, *words: str) -> list[str]:
        done = command(*words, _C8S_COMPLETE="bash")
        assert (done.code, done.err) == (0, "")
        return [line.split("\t")[0] for line in done.out.splitlines()]

    assert offered(c8s, "logs", "-n", control_namespace, "") == ["halfway", "over"]
    assert offered(user, "cancel", "--executor", "kubernetes", "h") == ["halfway"]
    assert offered(user, "rerun", "--executor=kubernetes", "o") == ["over"]
    assert offered(user, "logs", "over", "--executor", "kubernetes", "--step", "") == [
        "build", "test",
    ]  # fmt: skip
    assert offered(user, "logs", "") == []
    assert (
        c8s("secret", "create", "deploy", "-n", control_namespace, "--from-env", "HOME").code == 0
    )
    assert offered(c8s, "get", "secrets", "-n", control_namespace, "d") == ["deploy"]
    # Who may not list them, and a cluster that is away, are no reason to say anything.
    assert offered(user, "get", "secrets", "") == []
    assert offered(c8s, "logs", "--kubeconfig", str(tmp_path / "gone"), "") == []
