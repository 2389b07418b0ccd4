"""The playbooks of the collection, by their names, and the inventory that ships with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


def test_the_demo_runs_and_keeps_its_promises(stage):
    done = stage.begin("c8s.ci.demo").ended()
    assert done.code == 0, done.text
    assert "failed=0" in done.text
    result = done.result("Run both of its pipelines side by side")
    phases = {step["name"]: step["phase"] for step in result["run"]["status"]["steps"]}
    assert phases == {
        "lint": "Succeeded", "spelling": "Failed", "build": "Succeeded", "try": "Succeeded",
        "sign": "Succeeded", "release-notes": "Skipped",
    }  # fmt: skip
    assert result["runs"][1]["status"]["matrix"]["summary"] == "4/4 succeeded"
    logs = stage.store / "runs" / result["run"]["metadata"]["name"] / "logs"
    assert "the next version is 1.1.0" in (logs / "try.log").read_text(encoding="utf-8")
    assert (logs / "sign.log").read_text(encoding="utf-8").count("***REDACTED***") == 3
    assert "Succeeded  nextver-1/build" in done.text
    folder = Path(done.result("Make a folder for the project")["path"])
    shown = "\n".join(done.result("Say what to look at next")["msg"])
    assert str(folder) in shown
    assert "nextver-1" in stage.call("c8s", "--store", str(stage.store), "get", "runs")


def test_run_takes_the_checkout_it_is_started_in(stage, project: Path):
    done = stage.begin("c8s.ci.run", PWD=str(project)).ended()
    assert done.code == 0, done.text
    spec = done.result("Run it")["run"]["spec"]
    assert spec["repository"] == str(project)
    assert (spec["branch"], spec["event"]) == ("main", "push")
    assert "Succeeded  demo-1/lint" in done.text
    file = str(project / ".c8s.yaml")
    assert stage.call("c8s", "--store", str(stage.store), "run", file, "--name", "two")
    recorded = json.loads((stage.store / "runs" / "two" / "record.json").read_text("utf-8"))
    for name in ("repository", "commit", "branch", "event"):
        assert recorded["spec"][name] == spec[name], name


def test_run_takes_everything_that_a_survey_may_answer(stage, project: Path):
    (stage.folder / "secrets.yml").write_text("c8s_secrets: {a: {b: something}}", encoding="utf-8")
    answers = {
        "c8s_repository": str(project), "c8s_branch": "main", "c8s_name": "one", "c8s_file": "",
        "c8s_commit": "", "c8s_tag": "", "c8s_event": "manual", "c8s_executor": "local",
        "c8s_parallel": "1", "c8s_rerun": "", "c8s_key": "", "c8s_store": "", "c8s_hosts": "",
        "c8s_src": "", "c8s_secrets_file": str(stage.folder / "secrets.yml"), "c8s_secrets": "",
    }  # fmt: skip
    words = ["-e", json.dumps(answers)]
    planned = stage.begin("c8s.ci.run", *words, "--check", "--diff").ended()
    assert planned.code == 0, planned.text
    assert "publish: skipped" in planned.text
    done = stage.begin("c8s.ci.run", *words).ended()
    assert done.code == 0, done.text
    spec = done.result("Run it")["run"]["spec"]
    assert (spec["event"], spec["branch"]) == ("manual", "main")
    again = stage.begin("c8s.ci.run", "-e", "c8s_name=one", "-e", "c8s_rerun=all").ended()
    assert again.code == 0, again.text
    assert again.result("Run it")["run"]["spec"]["rerunOf"] == "one"


def test_logs_shows_those_of_the_latest_run(stage, project: Path):
    none = stage.begin("c8s.ci.logs").ended()
    assert none.code == 2
    assert f"There is no run yet in {stage.store}." in none.text
    assert stage.begin("c8s.ci.run", "-e", f"c8s_repository={project}").ended().code == 0
    latest = stage.begin("c8s.ci.logs").ended()
    assert latest.code == 0, latest.text
    assert "Warning: nothing is perfect" in latest.text
    words = ["-e", "c8s_name=demo-1", "-e", "c8s_step=lint,build", "-e", "c8s_grep=^build"]
    picked = stage.begin("c8s.ci.logs", *words, "-e", "c8s_tail=5").ended()
    assert picked.code == 0, picked.text
    assert [log["lines"] for log in picked.result("Read its logs")["logs"]] == [[], ["building"]]
    target = stage.folder / "all.log"
    assert stage.begin("c8s.ci.logs", "-e", f"c8s_dest={target}").ended().code == 0
    assert target.read_text(encoding="utf-8").startswith("==> demo-1/lint <==\n")


@pytest.mark.parametrize("playbook", ["run", "logs"])
def test_the_playbooks_say_what_they_take(playbook: str):
    text = (CHECKOUT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")
    head, _name, body = text.partition("\n- name:")
    known = re.compile(r"\bc8s_[a-z_]+")
    assert set(known.findall(body)) == set(known.findall(head))


def test_the_inventory_works_as_it_is(stage, project: Path):
    words = ["-i", str(CHECKOUT / "inventory"), "-e", f"c8s_repository={project}"]
    done = stage.begin("c8s.ci.run", *words).ended()
    assert done.code == 0, done.text
    assert "[WARNING]" not in done.text
    groups = json.loads(
        stage.call("ansible-inventory", "-i", str(CHECKOUT / "inventory"), "--list")
    )
    assert "clusters" in groups["all"]["children"]
    assert groups["_meta"]["hostvars"]["localhost"]["ansible_connection"] == "local"
