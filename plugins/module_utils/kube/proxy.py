"""Whether a host is reached through the proxy."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def goes_direct(server: str, no_proxy: str) -> bool:
    """Whether `no_proxy` names the server of this URL.

    `no_proxy` is a list with commas of names (with what is below them), addresses, networks
    (10.0.0.0/8), each with an optional port; `*` is everything.
    """
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return any(_names(entry.strip().lower(), host, port) for entry in no_proxy.split(","))


def _names(entry: str, host: str, port: int) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if _network_holds(entry, host):
        return True
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdecimal() and ":" not in name:
        if int(wanted) != port:
            return False
        entry = name
    bare = entry.removeprefix("*").removeprefix(".")
    return bool(bare) and (host == bare or host.endswith(f".{bare}"))


def _network_holds(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
