"""`c8s completion`: what a shell needs to complete words."""

from __future__ import annotations

from typing import Annotated

import typer

from ..shells import SCRIPTS, Shell
from ..writing import write

EXAMPLES = """\
  source <(c8s completion bash)                 this shell (in ~/.bashrc: all)
  c8s completion zsh > ~/.zfunc/_c8s            with ~/.zfunc in fpath
  c8s completion fish > ~/.config/fish/completions/c8s.fish
"""


def completion(
    shell: Annotated[Shell, typer.Argument(show_default=False, help="Which shell")],
) -> None:
    """Print what a shell needs to complete words.

    It is a script. With it, verbs, options, their values, runs and steps are
    completed.
    """
    write(SCRIPTS[shell])
