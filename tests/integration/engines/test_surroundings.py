"""Clone, artifacts and caches of steps in containers, and whose the files are."""

from __future__ import annotations

import pytest

from host_yard import repository
from integration.engines.engine_yard import DEFAULTS, EngineYard


def test_workspace_artifacts_and_caches_travel(yard: EngineYard):
    project = repository(yard.folder / "project", {"lock": "1\n", "README": "hello\n"})
    steps = {
        "make": {
            "commands": [
                "cat README",
                "test -e .git",
                "cat .kept/note || echo nothing kept",
                "mkdir -p out .kept",
                "echo product > out/thing; ln -s thing out/link; chmod 600 out/thing",
                "echo here > .kept/note",
            ],
            "artifacts": [{"name": "things", "paths": ["out/**"]}],
            "cache": [{"key": "k-${{ hashFiles('lock') }}", "paths": [".kept"]}],
        },
        "use": {"dependsOn": ["make"], "commands": ["cat out/thing out/link", "echo > new"]},
    }
    request = {"repository": str(project)}
    outputs = []
    for _time in range(2):
        run = yard.run(steps, request, clone={})
        assert run.status.phase == "Succeeded", run.status
        outputs.append(yard.log(run.name, "make").splitlines())
        assert yard.log(run.name, "use") == "product\nproduct\n"
    first, second = outputs
    assert first[0] == second[0] == "hello"
    assert first[-1] == "nothing kept"
    assert second[1:] == ["here"]
    assert list(yard.workspaces.iterdir()) == []


def test_files_without_rights_are_removed_all_the_same(yard: EngineYard):
    run = yard.run({"only": ["mkdir -p a/b", "touch a/b/c", "chmod 0 a/b/c a/b a"]})
    assert run.status.phase == "Succeeded", run.status
    assert list(yard.workspaces.iterdir()) == []


def test_a_file_may_grow_to_the_limit_of_storage(yard: EngineYard):
    resources = {**DEFAULTS["resources"], "ephemeralStorage": "1Mi"}
    step = {
        "commands": ["head -c 2097152 /dev/zero > big"],
        "resources": {**resources, "limits": {"ephemeralStorage": "1Mi"}},
    }
    run = yard.run({"only": step})
    assert run.status.step("only").exit_code not in (0, None)
    assert "size" in yard.log(run.name)


@pytest.mark.parametrize("count", [3])
def test_runs_side_by_side_do_not_meet(yard: EngineYard, count: int):
    from ansible_collections.c8s.ci.plugins.module_utils.runs.request import Request

    from host_yard import pipeline

    text = pipeline({"only": ["echo $C8S_RUN > name", "sleep 0.3", "cat name"]},
                    clone=False, defaults=DEFAULTS)  # fmt: skip
    runs = yard.runs()
    launched = runs.launch(runs.orders([Request(text) for _number in range(count)]))
    names = [each.run.name for each in launched]
    assert len(set(names)) == count
    for each in launched:
        assert yard.log(each.run.name) == f"{each.run.name}\n"
