"""The argument list that a step's container or process is started with."""

from __future__ import annotations

import posixpath

from .spec import Step

POSIX_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"})

_CHECK = "c8s_status=$?; [ $c8s_status -eq 0 ] || exit $c8s_status"


def argument_list(step: Step) -> tuple[str, ...]:
    """Entry point and arguments, or the shell with the commands as one script."""
    if step.commands:
        return (*step.shell, script(step.commands, step.shell))
    return (*step.entrypoint, *step.args)


def script(commands: tuple[str, ...], shell: tuple[str, ...]) -> str:
    """The commands one after the other; the first that fails ends the step with its exit code.

    `sh -e` alone does not see to that: it forgives `a && b` whose `a` fails. The blank line
    before each check keeps a command that ends in a backslash from swallowing it.
    """
    if not is_posix(shell):
        return "\n".join(commands)
    return "\n".join(f"{command}\n\n{_CHECK}" for command in commands)


def is_posix(shell: tuple[str, ...]) -> bool:
    """Whether the shell understands the language of sh."""
    return bool(shell) and posixpath.basename(shell[0]) in POSIX_SHELLS


def waiting_script(file: str) -> str:
    """What a posix shell does first to wait until `file` holds the moment of its release.

    The moment becomes the container's termination message: so it can be known of a step that has
    ended, whoever let it go. Nothing is printed, and the commands find the shell as it was.
    """
    return (
        "trap 'exit 143' TERM\n"
        f"until [ -s {file} ]; do sleep 0.1 2>/dev/null || sleep 1 || exit; done\n"
        f"read c8s_at <{file}\n"
        '{ echo "$c8s_at" >/dev/termination-log; } 2>/dev/null || :\n'
        "unset c8s_at\ntrap - TERM\n"
    )
