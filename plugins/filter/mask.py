# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter c8s.ci.mask; its documentation is in mask.yml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set, ValuesView
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import MARKER, Secrets


def mask(
    text: object, secrets: object, marker: str = MARKER, case_insensitive: bool = False
) -> str:
    """`text` with every form of every secret replaced by `marker`."""
    if not isinstance(text, str):
        raise AnsibleFilterError(
            f"c8s.ci.mask masks text, but was given a {type(text).__name__}; "
            "turn it into text first, for example with the filter to_json"
        )
    try:
        compiled = Secrets(_values(secrets), marker=marker, case_insensitive=case_insensitive)
    except InvalidInput as fault:
        # Without its cause: what a traceback shows of the frames could hold a value.
        raise AnsibleFilterError(f"c8s.ci.mask: {fault}") from None
    return compiled.mask_text(text)


def _values(secrets: object) -> Mapping[str, Any] | Iterable[Any]:
    if isinstance(secrets, Mapping):
        return {str(name): _value(value) for name, value in secrets.items()}
    if isinstance(secrets, list | tuple | Set | ValuesView | Iterator):
        return [_value(value) for value in secrets]
    return [_value(secrets)]


def _value(value: object) -> object:
    """Numbers, and what older versions of ansible-core decrypt on demand, as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) or getattr(type(value), "__ENCRYPTED__", False):
        return str(value)
    return value


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name -> filter."""
        return {"mask": mask}
