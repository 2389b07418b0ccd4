"""A secret that is given to runs is in nothing that a play prints, registers or leaves behind."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from host_yard import wait_for

VALUE = "Zq7-pling=plong/xyz"
OTHER = "Wm2-second value"
TASKS = """
- name: launch
  c8s.ci.pipeline_run:
    name: "{{ item }}"
    content: |
      version: v1alpha1
      name: secretive
      steps:
        - name: tell
          image: none:1
          secrets:
            - {secretRef: door, key: code, envVar: CODE}
            - {secretRef: door, key: other, file: other}
          commands:
            - echo "the code is $CODE"
            - cat $C8S_SECRETS/other
            - printf %s "$CODE" | base64
            - (set -x; test -n "$CODE")
            - cp $C8S_SECRETS/other kept
            - "ITEM"
          artifacts: [kept]
    secrets: "{{ vault }}"
    follow: true
  with_items: [good, bad]
  register: launched
  ignore_errors: true
- name: debug
  ansible.builtin.debug: {var: launched}
- name: plan
  c8s.ci.pipeline_run:
    src: nowhere.yaml
    secrets: "{{ vault }}"
  ignore_errors: true
- name: logs
  c8s.ci.pipeline_logs: {name: good}
  register: logs
- name: debug again
  ansible.builtin.debug: {var: logs}
"""


def forms(value: str) -> list[bytes]:
    return [value.encode(), base64.b64encode(value.encode()), value.encode().hex().encode()]


@pytest.mark.parametrize("words", [("-vvv", "--diff"), ("-vvv", "--diff", "--check")])
def test_no_output_holds_a_secret(stage, words: tuple[str, ...]):
    vault = stage.folder / "vault.yml"
    vault.write_text(f"vault: {{door: {{code: '{VALUE}', other: '{OTHER}'}}}}", encoding="utf-8")
    tasks = TASKS.replace('"ITEM"', 'test "{{ item }}" = good')
    done = stage.play(tasks, "-e", f"@{vault}", *words, ANSIBLE_KEEP_REMOTE_FILES="0")
    assert len(done.entries) == 5 - ("--check" in words), done.text
    vault.unlink()
    for form in [*forms(VALUE), *forms(OTHER)]:
        assert form.decode() not in done.text
        holders = [path for path in files(stage.folder) if form in path.read_bytes()]
        assert holders == []
    if "--check" not in words:
        assert done.text.count("***REDACTED***") > 3
        kept = stage.store / "runs" / "good" / "artifacts" / "tell" / "tell" / "kept"
        assert kept.read_text(encoding="utf-8") == "***REDACTED***"


def files(folder: Path) -> list[Path]:
    """All that is left in a folder, journals and stores alike."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_environment_or_argument_of_no_process_holds_a_secret_but_its_step(stage):
    """While a run goes on, only the step itself knows the value."""
    tasks = f"""
    - name: launch
      c8s.ci.pipeline_run:
        name: one
        content: |
          version: v1alpha1
          name: secretive
          steps:
            - name: hold
              image: none:1
              secrets: [{{secretRef: door, key: code, envVar: CODE}}]
              commands:
                - touch {stage.folder}/holds
                - while test -f {stage.folder}/holds; do sleep 0.1; done
        secrets: {{door: {{code: "{VALUE}"}}}}
    """
    going = stage.begin(stage.tasks(tasks))
    wait_for((stage.folder / "holds").exists, "the step runs", 60)
    shown = [path for path in places("cmdline") if VALUE.encode() in content(path)]
    known = [path for path in places("environ") if VALUE.encode() in content(path)]
    (stage.folder / "holds").unlink()
    assert going.ended().code == 0
    assert shown == []
    assert known


def places(name: str) -> list[Path]:
    return list(Path("/proc").glob(f"[0-9]*/{name}"))


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It has ended, or is somebody else's.
