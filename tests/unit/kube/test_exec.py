"""Exec over a WebSocket, against a small server that misbehaves where a real one won't."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.c8s.ci.plugins.module_utils.core.errors import (
    Conflict,
    Denied,
    NotFound,
    Timeout,
    Unavailable,
)
from ansible_collections.c8s.ci.plugins.module_utils.kube.channels import _Frames
from ansible_collections.c8s.ci.plugins.module_utils.kube.connection import Client, connect
from ansible_collections.c8s.ci.plugins.module_utils.kube.exec import OutputTooLarge, execute
from ansible_collections.c8s.ci.plugins.module_utils.kube.network_faults import CutOff, NotSent
from ansible_collections.c8s.ci.plugins.module_utils.kube.options import connection_options
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF

SUCCESS = b"\x03" + json.dumps({"status": "Success"}).encode()


def failure(reason: str, message: str, code: str = "") -> bytes:
    causes = [{"reason": "ExitCode", "message": code}] if code else []
    body = {"status": "Failure", "reason": reason, "message": message}
    return b"\x03" + json.dumps({**body, "details": {"causes": causes}}).encode()


def frame(payload: bytes, opcode: int = 2, final: bool = True) -> bytes:
    """A frame as servers send it: not masked."""
    head = bytes([opcode | (0x80 if final else 0)])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 2**16:
        return head + bytes([126]) + len(payload).to_bytes(2, "big") + payload
    return head + bytes([127]) + len(payload).to_bytes(8, "big") + payload


CLOSE = frame(b"\x03\xe8", 8)


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self.request = b""
        while not self.request.endswith(b"\r\n\r\n"):
            self.request += self._file.readline()

    def close(self) -> None:
        self._file.close()

    def accept(self, protocol: str = "v5.channel.k8s.io") -> None:
        key = next(
            line.split(b": ")[1]
            for line in self.request.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n"
            % (base64.b64encode(digest), protocol.encode())
        )

    def refuse(self, code: int, message: str) -> None:
        body = json.dumps({"kind": "Status", "code": code, "message": message}).encode()
        self.send(b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body), body))

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload, unmasked."""
        head = self._file.read(2)
        if len(head) < 2:
            raise ConnectionResetError("the client hung up")
        first, second = head
        assert second & 0x80, "a client's frames are masked"
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(self._file.read(2 if length == 126 else 8), "big")
        mask = self._file.read(4)
        payload = self._file.read(length)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@contextmanager
def serving(play: Callable[[Peer], object]) -> Iterator[Client]:
    """A client of a server that plays that role on each connection."""
    failures: list[BaseException] = []

    def serve() -> None:
        while True:
            try:
                connection, _each = server.accept()
            except OSError:
                return
            with connection, contextlib.closing(Peer(connection)) as peer:
                try:
                    play(peer)
                except OSError:
                    continue
                except AssertionError as error:
                    failures.append(error)

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    client = connect(connection_options({"host": url, "api_key": "k"}, {}), {})
    try:
        yield client
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        client.close()
    assert not failures


def run(client: Client, **options: Any) -> Any:
    return execute(client, "n", "p", "c", ["cmd", "an arg"], **{"timeout": 5, **options})


def answering(*frames: bytes) -> Callable[[Peer], None]:
    def play(peer: Peer) -> None:
        peer.accept()
        peer.send(b"".join(frames))
        peer.receive()

    return play


class TestAnswers:
    def test_what_is_asked(self) -> None:
        asked: list[bytes] = []

        def play(peer: Peer) -> None:
            asked.append(peer.request)
            answering(frame(SUCCESS), CLOSE)(peer)

        with serving(play) as client:
            run(client)
        first = asked[0].split(b"\r\n")[0]
        assert b"/api/v1/namespaces/n/pods/p/exec?" in first
        assert b"command=cmd&command=an+arg" in first
        assert b"stdin" not in first
        assert b"Authorization: Bearer k" in asked[0]

    def test_output_and_code(self) -> None:
        frames = [
            frame(b"\x01one "),
            frame(b"\x02err"),
            frame(b"\x01tw", final=False),
            frame(b"", 9),
            frame(b"o", 0),
            frame(failure("NonZeroExitCode", "command terminated", "137")),
            frame(b"\x01 late"),
            CLOSE,
        ]
        with serving(answering(*frames)) as client:
            result = run(client)
        assert (result.exit_code, result.stdout, result.stderr) == (137, b"one two late", b"err")
        assert result.started

    def test_output_as_it_comes(self) -> None:
        got: list[bytes] = []
        with serving(answering(frame(b"\x01a"), frame(b"\x01b"), frame(SUCCESS), CLOSE)) as client:
            result = run(client, stdout=got.append)
        assert b"".join(got) == b"ab"
        assert result.stdout == b""

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ('exec failed: exec: "x": executable file not found in $PATH', 127),
            ('exec failed: exec: "/x": stat /x: no such file or directory', 127),
            ('exec failed: exec: "/etc": permission denied', 126),
        ],
    )
    def test_a_command_that_cannot_be_run(self, message: str, code: int) -> None:
        with serving(answering(frame(failure("InternalError", message)), CLOSE)) as client:
            result = run(client)
        assert (result.exit_code, result.started, result.message) == (code, False, message)

    @pytest.mark.parametrize(
        ("message", "kind"),
        [
            ('container not found ("c")', Conflict),
            ("pod not found", NotFound),
            ("cannot exec in a stopped container", Conflict),
            ("connection refused", Unavailable),
        ],
    )
    def test_a_container_that_cannot_be_entered(self, message: str, kind: type[Exception]) -> None:
        expected = pytest.raises(kind, match="cannot run cmd in n/p/c")
        answer = answering(frame(failure("InternalError", message)), CLOSE)
        with expected, serving(answer) as client:
            run(client)


class TestInput:
    def test_all_of_it_and_then_its_end(self) -> None:
        data = bytes(range(256)) * 4000
        got: list[bytes] = []

        def play(peer: Peer) -> None:
            peer.accept()
            while (message := peer.receive()[1])[0] == 0:
                got.append(message[1:])
            assert message == b"\xff\x00"
            peer.send(frame(SUCCESS) + CLOSE)
            peer.receive()

        for source in (data, iter([data[:5], data[5:]])):
            got.clear()
            with serving(play) as client:
                assert run(client, stdin=source).exit_code == 0
            assert b"".join(got) == data

    def test_a_command_that_answers_while_it_is_fed(self) -> None:
        """Nobody waits for the other: what comes back is read while there is still to send."""
        data = b"x" * 8_000_000

        def play(peer: Peer) -> None:
            peer.accept()
            while (message := peer.receive()[1])[0] == 0:
                peer.send(frame(b"\x01" + message[1:]))
            peer.send(frame(SUCCESS) + CLOSE)
            peer.receive()

        with serving(play) as client:
            assert run(client, stdin=data, timeout=60).stdout == data

    def test_an_old_server_cannot_end_it(self) -> None:
        expected = pytest.raises(Unavailable, match="too old")
        with expected, serving(lambda peer: peer.accept("v4.channel.k8s.io")) as client:
            run(client, stdin=b"x")

    def test_an_old_server_without_input(self) -> None:
        def play(peer: Peer) -> None:
            peer.accept("v4.channel.k8s.io")
            peer.send(frame(b"\x01ok") + frame(SUCCESS) + CLOSE)
            peer.receive()

        with serving(play) as client:
            assert run(client).stdout == b"ok"


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "message", "kind"),
        [
            (404, 'pods "p" not found', NotFound),
            (403, "cannot create pods/exec", Denied),
            (401, "Unauthorized", Denied),
            (500, "kubelet is away", Unavailable),
        ],
    )
    def test_refused(self, code: int, message: str, kind: type[Exception]) -> None:
        expected = pytest.raises(kind, match=message)
        with expected, serving(lambda peer: peer.refuse(code, message)) as client:
            run(client)

    def test_hung_up(self) -> None:
        with serving(lambda peer: peer.accept()) as client, pytest.raises(CutOff, match="hung up"):
            run(client)

    def test_closed_without_a_status(self) -> None:
        expected = pytest.raises(Unavailable, match="without saying how it ended")
        with expected, serving(answering(frame(b"\x01x"), CLOSE)) as client:
            run(client)

    def test_nonsense(self) -> None:
        expected = pytest.raises(CutOff, match="no WebSocket frame")
        with expected, serving(answering(b"\x7fnonsense")) as client:
            run(client)

    def test_no_server(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        client = connect(connection_options({"host": f"http://127.0.0.1:{port}"}, {}), {})
        with pytest.raises(NotSent, match="no connection to"):
            run(client)

    def test_no_end_in_time(self) -> None:
        def play(peer: Peer) -> None:
            peer.accept()
            peer.receive()

        with serving(play) as client, pytest.raises(Timeout, match="no end after 0 seconds"):
            run(client, timeout=0.3)

    def test_cancelled(self) -> None:
        def play(peer: Peer) -> None:
            peer.accept()
            peer.receive()

        cancelled = threading.Event()
        cancelled.set()
        with serving(play) as client, pytest.raises(Conflict, match="cancelled"):
            run(client, cancelled=cancelled)

    def test_too_much_output(self) -> None:
        expected = pytest.raises(OutputTooLarge, match="more than the 50000 bytes")
        with expected, serving(answering(frame(b"\x01" + b"x" * 70000))) as client:
            run(client, output_limit=50_000)


@given(
    st.lists(st.tuples(st.binary(max_size=70_000), st.booleans()), max_size=5),
    st.integers(1, 5000),
)
def test_frames_come_out_as_they_went_in(messages: list[tuple[bytes, bool]], size: int) -> None:
    wire = b""
    for payload, split in messages:
        half = len(payload) // 2
        parts = [payload[:half], payload[half:]] if split else [payload]
        for i, part in enumerate(parts):
            made = ABNF.create_frame(part, ABNF.OPCODE_CONT if i else ABNF.OPCODE_BINARY)
            made.fin, made.mask_value = int(i == len(parts) - 1), 0
            wire += made.format()
    frames = _Frames()
    got = [
        payload
        for i in range(0, len(wire), size)
        for _each, payload in frames.feed(wire[i : i + size])
    ]
    assert got == [payload for payload, _each in messages]
