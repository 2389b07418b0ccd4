"""The filter c8s.ci.mask, called as Python and by Ansible."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.filter.mask import FilterModule

mask = FilterModule().filters()["mask"]
PLUGIN = Path(__file__).parents[3] / "plugins" / "filter"


class Encrypted:
    """As vault values are on older versions of ansible-core: no text until it is asked for."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "from the vault"


@pytest.mark.parametrize(
    "secrets",
    [
        "hunter22",
        ["hunter22"],
        ("hunter22",),
        {"password": "hunter22"},
        {"password": b"hunter22", "number": 123456},
        {"hunter22"},
        {"password": "hunter22"}.values(),
        map(str, ["hunter22"]),
    ],
)
def test_secrets_of_every_kind(secrets: object) -> None:
    assert mask("log in with hunter22.", secrets) == "log in with ***REDACTED***."


def test_numbers_and_vault_values_are_masked_as_their_text() -> None:
    assert mask("123456 from the vault", [123456, Encrypted()], "#") == "# #"


def test_options() -> None:
    assert mask("HUNTER22", ["hunter22"], marker="-", case_insensitive=True) == "-"
    assert mask("HUNTER22", ["hunter22"]) == "HUNTER22"


@pytest.mark.parametrize("value", ["abc", True, None, ["hunter22"], {"a": "hunter22"}, object()])
def test_a_bad_secret_is_named_and_not_shown(value: object) -> None:
    with pytest.raises(AnsibleFilterError) as refusal:
        mask("text", {"pin": value})
    assert "secret 'pin'" in str(refusal.value)
    assert "hunter22" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("text", [None, 1, ["hunter22"], {"a": "b"}])
def test_only_text_is_masked(text: object) -> None:
    with pytest.raises(AnsibleFilterError, match="turn it into text first") as refusal:
        mask(text, ["hunter22"])
    assert "hunter22" not in str(refusal.value)


def documentation() -> dict[str, Any]:
    loaded = yaml.safe_load((PLUGIN / "mask.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_the_documentation_says_what_the_function_takes() -> None:
    options: Mapping[str, Any] = documentation()["DOCUMENTATION"]["options"]
    parameters = list(inspect.signature(mask).parameters.values())[1:]
    documented = {
        name: option.get("default", inspect.Parameter.empty) for name, option in options.items()
    }
    assert documented.pop("_input") is inspect.Parameter.empty
    assert documented == {parameter.name: parameter.default for parameter in parameters}


def ansible(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "HOME": str(folder),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


PLAY = r"""
- hosts: localhost
  gather_facts: false
  vars:
    output: >-
      + curl -u ci:it'\''s-me aHVudGVyMjI= hunter22 from-the-vault
    secrets: {password: hunter22, other: "it's-me", vault: "{{ vaulted }}"}
  tasks:
    - debug: {msg: "{{ output | c8s.ci.mask(secrets) }}"}
    - debug:
        msg: "{{ output | c8s.ci.mask(secrets | dict2items | map(attribute='value'), '[x]') }}"
    - debug: {msg: "{{ output | c8s.ci.mask(secrets.values() | list, marker='<y>') }}"}
    - debug: {msg: "{{ output | c8s.ci.mask(vaulted, '-') }}"}
    - debug: {msg: "{{ output | c8s.ci.mask({'pin': 'hello'}) }}"}
      register: refused
      ignore_errors: true
    - assert: {that: refused is failed}
"""


def test_ansible_finds_and_runs_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("vault password\n")
    (tmp_path / "play.yml").write_text(PLAY)
    vault = ("--vault-password-file", "password")
    sealed = ansible(
        "ansible-vault",
        "encrypt_string",
        *vault,
        "-n",
        "vaulted",
        "from-the-vault",
        folder=tmp_path,
    )
    assert sealed.returncode == 0, sealed.stderr
    (tmp_path / "vaulted.yml").write_text(sealed.stdout)
    run = ansible(
        *("ansible-playbook", *vault, "-i", "localhost,", "-c", "local", "-e", "@vaulted.yml"),
        "play.yml",
        folder=tmp_path,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for marker in ("***REDACTED***", "[x]", "<y>"):
        assert f"+ curl -u ci:{marker} {marker} {marker} {marker}" in run.stdout
    assert "aHVudGVyMjI= hunter22 -" in run.stdout
    assert "secret 'pin' is shorter than 6 bytes" in run.stdout + run.stderr


def test_ansible_shows_its_documentation(tmp_path: Path) -> None:
    shown = ansible("ansible-doc", "-t", "filter", "c8s.ci.mask", "--json", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["c8s.ci.mask"]["doc"]["positional"] == "secrets, marker"
