"""What can go wrong with the test cluster."""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster can't do what was asked. The message says what, where and what to do."""


class NotUp(ClusterError):
    """The instance isn't up."""


class Unsupported(ClusterError):
    """A cluster that the tests did not make themselves can't do this."""
