"""How the commands of a step are run, and what their end is taken for."""

from __future__ import annotations

import pytest

from host_yard import Yard


@pytest.mark.parametrize("code", [1, 2, 3, 42, 100, 125, 126, 128, 200, 254, 255])
def test_the_exit_code_is_the_true_one(yard: Yard, code: int):
    status = yard.step([f"exit {code}"])
    assert (status.phase, status.exit_code, status.reason) == ("Failed", code, "StepFailed")


def test_success_has_the_exit_code_0(yard: Yard):
    status = yard.step(["true"])
    assert (status.phase, status.exit_code) == ("Succeeded", 0)


@pytest.mark.parametrize(
    ("commands", "printed"),
    [
        (["echo one", "false", "echo two"], "one\n"),
        (["echo one", "false && true", "echo two"], "one\n"),
        (["echo one", "(exit 3)", "echo two"], "one\n"),
        (["echo one", "cd /nowhere-at-all 2>&-", "echo two"], "one\n"),
        (["echo one", "echo $UNSET_ANYWHERE 2>&-", "echo two"], "one\n"),
        (["true && false", "echo two"], ""),
    ],
)
def test_the_first_failing_command_ends_the_step(yard: Yard, commands: list[str], printed: str):
    run = yard.run({"only": commands})
    assert run.status.phase == "Failed"
    assert yard.log(run.name).startswith(printed)
    assert "two" not in yard.log(run.name)


@pytest.mark.parametrize(
    "commands",
    [["if false; then echo no; fi"], ["false || true"], ["for i in 1 2; do echo $i; done"]],
)
def test_a_failure_that_the_commands_handle_is_none(yard: Yard, commands: list[str]):
    assert yard.step(commands).phase == "Succeeded"


def test_commands_share_one_shell(yard: Yard):
    assert yard.output(["x=1; cd /", "echo $x $PWD"]) == "1 /\n"


def test_a_command_of_many_lines_is_one(yard: Yard):
    assert yard.output(["cat <<END\n$((1 + 1))\nEND\n", "echo '#' # no\n"]) == "2\n#\n"


@pytest.mark.parametrize(("name", "number"), [("KILL", 9), ("TERM", 15), ("SEGV", 11)])
def test_a_signal_counts_as_128_and_its_number(yard: Yard, name: str, number: int):
    status = yard.step([f"kill -{name} $$"])
    assert (status.phase, status.exit_code) == ("Failed", 128 + number)
    assert f"SIG{name}" in status.message


def test_a_command_that_is_nowhere_ends_with_127(yard: Yard):
    run = yard.run({"only": ["no-such-command-here"]})
    assert run.status.step("only").exit_code == 127
    assert "no-such-command-here" in yard.log(run.name)


def test_a_file_that_is_no_program_ends_with_126(yard: Yard):
    assert yard.step(["touch x", "./x"]).exit_code == 126


def test_entrypoint_and_args_need_no_shell(yard: Yard):
    step = {"entrypoint": ["printf", "<%s>"], "args": ["a b", "$HOME", "-n", "*"]}
    assert yard.output(step) == "<a b><$HOME><-n><*>"


def test_an_entrypoint_that_is_nowhere_ends_with_127(yard: Yard):
    assert yard.step({"entrypoint": ["/no/such/program"]}).exit_code == 127


@pytest.mark.parametrize(
    ("shell", "commands", "printed"),
    [
        (["python3", "-c"], ["import sys\nprint(sys.version_info.major)"], "3\n"),
        (["/bin/bash", "-euo", "pipefail", "-c"], ["a=(1 2); echo ${a[1]}"], "2\n"),
    ],
)
def test_a_step_may_name_its_shell(yard: Yard, shell: list[str], commands: list[str], printed: str):
    assert yard.output({"shell": shell, "commands": commands}) == printed


def test_pipefail_is_the_shells(yard: Yard):
    bash = {"shell": ["bash", "-euo", "pipefail", "-c"], "commands": ["false | cat", "echo two"]}
    assert yard.step(bash).phase == "Failed"


def test_a_shell_that_is_not_installed_is_told(yard: Yard):
    run = yard.run({"only": {"shell": ["/no/shell", "-c"], "commands": ["true"]}})
    assert run.status.step("only").exit_code == 127
    assert "/no/shell" in yard.log(run.name)


def test_a_step_reads_nothing_from_the_caller(yard: Yard):
    assert yard.output(["cat", "echo end"]) == "end\n"


def test_both_outputs_are_in_the_log_in_their_order(yard: Yard):
    assert yard.output(["echo 1", "echo 2 >&2", "echo 3"]) == "1\n2\n3\n"


def test_output_of_no_encoding_is_kept_as_it_is(yard: Yard):
    step = {"shell": ["python3", "-c"],
            "commands": ["import sys; sys.stdout.buffer.write(bytes(range(256)) * 3)"]}  # fmt: skip
    run = yard.run({"only": step})
    kept = yard.records.log(run.name, "only", 1).read_bytes()
    assert kept == bytes(range(256)) * 3
