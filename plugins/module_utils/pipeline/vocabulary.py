"""The words and amounts of which a pipeline file is made, as kinds of value."""

from __future__ import annotations

from ..core import durations, names, quantities
from .holders import MapOf
from .kinds import Amount, Integer, Scalar, Text

_LABEL_FORM = "small letters, digits and '-', with a letter or digit at both ends"


def name(limit: int) -> Text:
    return Text(names.DNS_LABEL, _LABEL_FORM, limit, name="name")


TEXT = Text()
DURATION = Text(durations.PATTERN, durations.FORM, durations.TEXT_LIMIT, name="duration")
QUANTITY = Amount(quantities.PATTERN, quantities.NUMBER_LENGTH_LIMIT, quantities.FORM)
GLOB = Text(limit=256, name="glob")
WHEN_GLOB = Text(limit=256, templates="when", name="glob")
PATH = Text(limit=1024, name="path")
FILE_GLOB = Text(limit=1024, name="glob")
IMAGE = Text(limit=1024, templates="image", name="image")
COMMAND = Text(templates="commands")
ARGUMENT = Text(templates="args")
VARIABLE = Text(
    names.VARIABLE,
    "a name for a variable: letters, digits and _, no digit first, and not C8S or C8S_...",
    limit=256,
    not_pattern="^C8S(_|$)",
    name="variable",
)
OBJECT_NAME = Text(
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    "the name of an object: small letters, digits, '-' and '.'",
    limit=253,
    name="name",
)
SECRET_KEY = Text(
    r"^[-._a-zA-Z0-9]+$", "a key of a secret: letters, digits, '-', '_' and '.'", 253, name="key"
)
DIMENSION = Text(
    r"^[A-Za-z_][-A-Za-z0-9_]*$", "a name of letters, digits, '-' and '_', no digit first", limit=40
)
ENV = MapOf(VARIABLE, Scalar(limit=65536, templates="env"))
PORT = Integer(1, 65535)
