"""The secret values of a run: found, judged and gathered before anything starts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ..core.errors import InvalidInput, Problem
from ..masking.forms import LEAST as MINIMUM_LENGTH
from ..pipeline.spec import Pipeline

SecretValues = Mapping[str, Mapping[str, str]]
"""Secret name -> key -> value."""

NO_SECRETS: SecretValues = {}


def check_secrets(pipeline: Pipeline, secrets: SecretValues, absent: str = "was not given") -> None:
    """Raise InvalidInput with every secret or key that a step asks for in vain.

    Also for a value that is too short to be masked safely; the value itself is never shown.
    `absent` says of a secret that it is not there.
    """
    problems = []
    for position, step in enumerate(pipeline.steps):
        for number, wanted in enumerate(step.secrets):
            path = f"steps[{position}].secrets[{number}]"
            fault = _fault(wanted.secret, wanted.key, secrets, absent)
            if fault:
                problems.append(Problem(f"step {step.name!r}: {fault}", path=path))
    if problems:
        raise InvalidInput(*problems)


def _fault(secret: str, key: str, secrets: SecretValues, absent: str) -> str:
    if secret not in secrets:
        near = difflib.get_close_matches(secret, secrets, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"secret {secret!r} {absent}{hint}"
    if key not in secrets[secret]:
        known = ", ".join(sorted(secrets[secret])) or "none"
        return f"key {key!r} is not in secret {secret!r}; its keys: {known}"
    if len(secrets[secret][key].encode()) < MINIMUM_LENGTH:
        return (
            f"key {key!r} of secret {secret!r} is shorter than {MINIMUM_LENGTH} bytes, too short"
            " to be masked in logs; use a longer value or a plain env variable"
        )
    return ""


def masked_values(pipeline: Pipeline, secrets: SecretValues) -> dict[str, str]:
    """Every value of every secret that any step of the pipeline refers to, by a telling name.

    Values that are too short to be masked are left out: `check_secrets` has refused those that a
    step uses.
    """
    used = {wanted.secret for step in pipeline.steps for wanted in step.secrets}
    return {
        f"{secret}/{key}": value
        for secret in sorted(used & set(secrets))
        for key, value in secrets[secret].items()
        if len(value.encode()) >= MINIMUM_LENGTH
    }


def secrets_from(document: object, source: str) -> dict[str, dict[str, str]]:
    """Secret values out of a document `secretRef: {key: value}`; InvalidInput names what is off.

    Numbers and booleans are refused: how they would be written is not for us to guess.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput(f"{source}: expected a map of secret names to maps of keys and values")
    problems = []
    values: dict[str, dict[str, str]] = {}
    for secret, keys in document.items():
        if not isinstance(keys, Mapping):
            problems.append(Problem("expected a map of keys to values", str(secret), source))
            continue
        for key, value in keys.items():
            if not isinstance(value, str):
                path = f"{secret}.{key}"
                problems.append(Problem("expected a string; put it in quotes", path, source))
            else:
                values.setdefault(str(secret), {})[str(key)] = value
    if problems:
        raise InvalidInput(*problems)
    return values
