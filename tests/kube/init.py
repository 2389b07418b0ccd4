"""The first process of an instance's own pid, mount and network namespaces.

It makes them a machine of its own, starts, signals and reaps the cluster's programs as it is told
over a socket, and takes all of them along when it is killed. It uses the standard library alone:
`python init.py FOLDER NODE_ADDRESS`.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

INSIDE = Path("/run/c8s")
SERVICE_ADDRESS = "10.96.0.1"
# The kubelet sets these for the whole host; in here it gets files to write to instead.
SHIELDED = (
    *("kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"),
    *("kernel/keys/root_maxbytes", "vm/overcommit_memory", "vm/panic_on_oom"),
)
CABLE_TIMEOUT = 20.0  # seconds


def call(*argv: str | Path) -> None:
    subprocess.run([str(word) for word in argv], check=True)


def own_mounts(folder: Path) -> None:
    """/run of our own with the instance's folder in it, and /var as it is, but ours to write."""
    call("mount", "--make-rshared", "/")
    run = folder / "run"
    run.mkdir()
    call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", run)
    for name in ("c8s", "var", "work", "shield"):
        (run / name).mkdir()
    call("mount", "--bind", folder, run / "c8s")
    call("mount", "--rbind", run, "/run")
    upper = "lowerdir=/var,upperdir=/run/var,workdir=/run/work"
    call("mount", "-t", "overlay", "-o", upper, "overlay", "/var")
    for name in SHIELDED:
        real = Path("/proc/sys") / name
        if real.exists():
            shield = Path("/run/shield") / name.replace("/", "-")
            shield.write_text(real.read_text())
            call("mount", "--bind", shield, real)


def own_network(node_address: str) -> None:
    """The node's end of the cable, which the host plugs in after this process has started."""
    deadline = time.monotonic() + CABLE_TIMEOUT
    while "eth0" not in [link[1] for link in socket.if_nameindex()]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no network cable after {CABLE_TIMEOUT:g} s")
        time.sleep(0.005)
    call("ip", "link", "set", "lo", "up")
    # The API's service address is an address of the node: no rule has to translate it.
    call("ip", "address", "add", f"{SERVICE_ADDRESS}/32", "dev", "lo")
    call("ip", "address", "add", f"{node_address}/30", "dev", "eth0")
    call("ip", "link", "set", "eth0", "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


class Processes:
    """The cluster's programs by name."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._codes: dict[str, int] = {}

    def start(self, name: str, argv: list[str], environment: dict[str, str]) -> dict[str, Any]:
        if name in self._pids:
            raise ValueError(f"{name} runs already")
        log = str(INSIDE / "logs" / f"{name}.log")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._pids[name] = os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
        )
        self._codes.pop(name, None)
        return self.status()

    def signal(self, name: str, number: int) -> dict[str, Any]:
        if name not in self._pids:
            raise ValueError(f"{name} does not run")
        os.kill(self._pids[name], number)
        return self.status()

    def status(self) -> dict[str, Any]:
        self.reap()
        return {"running": self._pids, "ended": self._codes}

    def reap(self) -> None:
        """Collect every child that has ended, whoever left it to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name in [name for name, own in self._pids.items() if own == pid]:
                del self._pids[name]
                self._codes[name] = os.waitstatus_to_exitcode(status)


def answer(processes: Processes, line: str) -> dict[str, Any]:
    try:
        match json.loads(line):
            case {"start": str(name), "argv": list(argv), "environment": dict(environment)}:
                return processes.start(name, argv, environment)
            case {"signal": int(number), "to": str(name)}:
                return processes.signal(name, number)
            case {"status": True}:
                return processes.status()
            case _:
                return {"error": "no such order"}
    except (ValueError, OSError) as error:
        return {"error": str(error)}


def take_order(listener: socket.socket, processes: Processes) -> None:
    connection = listener.accept()[0]
    with connection, connection.makefile("rw") as stream:
        connection.settimeout(10)
        try:
            line = stream.readline()
            if line:
                stream.write(json.dumps(answer(processes, line)) + "\n")
                stream.flush()
        except OSError as error:  # whoever asked is gone
            print("an order was cut off:", error, file=sys.stderr, flush=True)


def serve(listener: socket.socket) -> None:
    processes = Processes()
    wake, waker = socket.socketpair()
    wake.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(wake, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for ready in selector.select():
                if ready[0].fileobj is wake:
                    wake.recv(4096)
                    processes.reap()
                else:
                    take_order(listener, processes)


def main() -> None:
    folder, node_address = Path(sys.argv[1]), sys.argv[2]
    own_mounts(folder)
    own_network(node_address)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(INSIDE / "control.sock"))
    listener.listen()
    serve(listener)


if __name__ == "__main__":
    main()
