"""Which version comes next, by what the commits since the last one say."""

from __future__ import annotations

BUILD = "source"
"""What this copy was built from; the build writes it down."""
