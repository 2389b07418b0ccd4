"""Readiness, asked of a real socket; the engine is played."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.images.engine_client import Answer
from ansible_collections.c8s.ci.plugins.module_utils.pipeline.spec import Readiness, Service
from ansible_collections.c8s.ci.plugins.module_utils.runs.host.containers.readiness import (
    Probe,
    listened_ports,
)

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F91 0100007F:CA0A 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   0: 00000000000000000000000000000000:1B58 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0
"""


class Engine:
    """Answers by the first word of a call, or its form."""

    program = "docker"

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.calls: list[tuple[str, ...]] = []

    def call(self, *arguments: str, seconds: float = 0) -> Answer:
        self.calls.append(arguments)
        if arguments[0] == "container":
            key = "pid" if "Pid" in arguments[3] else "address"
        else:
            key = arguments[0]
        return self.answers.get(key, Answer(1, "", "Error: no"))


def probe(engine: Engine, **readiness) -> Probe:
    service = Service("s", "img", ports=(7000,), readiness=Readiness(**readiness))
    return Probe(engine, service, "owner", "s")


def test_only_ports_that_are_listened_on_count():
    assert listened_ports(TABLE) == {8080, 7000}


@pytest.mark.parametrize(("port", "ready"), [(8080, True), (8081, False), (None, True)])
def test_a_port_by_the_container_s_own_tables(port, ready):
    asked = probe(Engine(exec=Answer(0, TABLE)), port=port)
    assert asked.ready() is ready
    assert asked.lack == ("" if ready else "nothing listens on port 8081")


def test_a_port_by_this_host_s_tables_needs_nothing_in_the_image():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        # This very process stands for the container's: its cgroup is the identity.
        identity = Path("/proc/self/cgroup").read_text().splitlines()[0].rpartition(":")[2]
        engine = Engine(pid=Answer(0, f"self {identity}\n"))
        assert probe(engine, port=port).ready()
        assert all(call[0] != "exec" for call in engine.calls)


@pytest.mark.parametrize("process", ["self", "999999999", "0"])
def test_a_process_of_another_kernel_is_not_looked_at(process):
    engine = Engine(pid=Answer(0, f"{process} c0ffee-is-no-cgroup\n"), exec=Answer(0, TABLE))
    assert probe(engine, port=8080).ready()
    assert engine.calls[-1][0] == "exec"


def test_a_command():
    assert probe(Engine(exec=Answer(0, "")), command=("true",)).ready()
    asked = probe(Engine(exec=Answer(3, "", "psql: no\n")), command=("pg_isready",))
    assert not asked.ready()
    assert asked.lack == "its command ended with 3: psql: no"


@pytest.fixture
def web() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204 if self.path == "/good" else 503)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Silence."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_path_by_the_container_s_address(web: int):
    engine = Engine(address=Answer(0, "127.0.0.1 \n"))
    assert probe(engine, port=web, path="/good").ready()
    assert all(call[0] != "exec" for call in engine.calls)


def test_a_path_that_answers_otherwise(web: int):
    asked = probe(Engine(address=Answer(0, "127.0.0.1 \n")), port=web, path="/bad")
    assert not asked.ready()
    assert "/bad answers 503" in asked.lack


def test_a_path_by_a_program_of_the_image():
    engine = Engine(address=Answer(0, " \n"), exec=Answer(0, ""))
    assert probe(engine, port=8080, path="/x").ready()
    assert engine.calls[-1][-1] == "http://localhost:8080/x"


def test_an_image_with_nothing_to_ask_with():
    asked = probe(Engine(address=Answer(0, ""), exec=Answer(97, "")), port=8080, path="/x")
    assert not asked.ready()
    assert "neither curl nor wget nor python3" in asked.lack
