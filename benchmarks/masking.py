"""How fast logs are masked, beside `bytes.replace` in a loop and one `re` alternation.

    .venv/bin/python benchmarks/masking.py

All contenders take their turns in every round, on the same log in the same pieces of 64 KiB, as a
program reads them from a pipe. The figures are the medians of the rounds with the least and the
most, in processor time, so that what else runs on the machine counts little. (The two that replace
see nothing that a border cuts, miss what overlaps, and are slower still where they are made to.)
`table()` gives the same as text.
"""

from __future__ import annotations

import base64
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.c8s.ci.plugins.module_utils.masking.forms import all_forms
from ansible_collections.c8s.ci.plugins.module_utils.masking.masker import Masker, Secrets

ROUNDS = 5
LOG_SIZE = 16 << 20  # bytes
PIECE = 64 << 10  # bytes given to a stream at a time
TURN = 0.1  # seconds that one turn should take, with at most the whole log

Contender = Callable[[Sequence[bytes]], None]

_WORDS = (
    "Downloading Collecting Installing building wheel package tests passed failed warning error "
    "module step cache layer fetch GET POST status cached resolved running container image started "
    "finished linking compiling crate info debug warn registry src main lib index dist "
    "node_modules python3 site-packages usr local bin Unpacking Selecting Setting up the for of "
    "from with and"
).split()
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def ci_log(dice: random.Random, size: int, secrets: Sequence[bytes]) -> bytes:
    """A log as CI jobs write it, with digests, URLs, base64 and, about every 10 kB, a secret."""
    lines: list[bytes] = []
    length = since = 0
    while length < size:
        line = _line(dice)
        if since > 10_000:
            line, since = line + b" " + dice.choice(secrets), 0
        lines.append(line)
        length += len(line) + 1
        since += len(line) + 1
    return b"\n".join(lines)


def _line(dice: random.Random) -> bytes:
    words = dice.choices(_WORDS, k=dice.randint(4, 14))
    number = dice.randint(0, 99)
    kind = dice.random()
    if kind < 0.08:
        text = f"Digest: sha256:{dice.getrandbits(256):064x}"
    elif kind < 0.16:
        text = f"https://registry.example.com/{words[0]}/-/{words[1]}-{number}.{number % 7}.tgz"
    elif kind < 0.18:
        text = f"integrity sha512-{base64.b64encode(dice.randbytes(64)).decode()}"
    elif kind < 0.28:
        text = f"tests/test_{words[0]}.py::test_{words[1]}[{words[2]}-{number}] PASSED [{number}%]"
    elif kind < 0.34:
        text = f'{{"level":"info","ts":17{dice.randint(10**7, 10**8)},"msg":"{" ".join(words)}"}}'
    else:
        text = " ".join(words)
    stamp = f"2026-05-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:{dice.randint(0, 59):02}"
    return f"{stamp}:{dice.randint(0, 59):02}.{dice.randint(0, 9_999_999):07}Z {text}".encode()


def secret(dice: random.Random) -> bytes:
    """A token, key, password, connection string or web token, as pipelines are given them."""
    kind = dice.randrange(6)
    letters = "".join(dice.choices(_ALPHABET, k=40))
    if kind == 0:
        return b"ghp_" + letters[:36].encode()
    if kind == 1:
        return b"AKIA" + letters[:16].upper().encode()
    if kind == 2:
        return f"{dice.getrandbits(160):040x}".encode()
    if kind == 3:
        return f"postgresql://ci:{letters[:20]}@db.example.com:5432/ci".encode()
    if kind == 4:
        return "".join(dice.choices(_ALPHABET + "!@#$%^&*()-_=+/", k=dice.randint(12, 40))).encode()
    claims = base64.urlsafe_b64encode(dice.randbytes(60)).rstrip(b"=")
    return b"eyJhbGciOiJIUzI1NiJ9." + claims + b"." + letters.encode()


def _streamed(secrets: Secrets) -> Contender:
    def run(pieces: Sequence[bytes]) -> None:
        masker = Masker(secrets)
        for piece in pieces:
            masker.feed(piece)
        masker.finish()

    return run


def _replaced(texts: Sequence[bytes], marker: bytes) -> Contender:
    def run(pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            for text in texts:
                piece = piece.replace(text, marker)

    return run


def _alternated(texts: Sequence[bytes], marker: bytes) -> Contender:
    pattern = re.compile(b"|".join(map(re.escape, texts)))

    def run(pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            pattern.sub(marker, piece)

    return run


def _case(values: Sequence[bytes], encoded: bool) -> dict[str, Contender]:
    native = Secrets(values, engine="hyperscan", encoded=encoded)
    plain = Secrets(values, engine="python", encoded=encoded)
    forms = all_forms(values)
    # Longest first, or a shorter one that begins a longer leaves its tail.
    texts = sorted({*forms.literals, *forms.wrapped} if encoded else set(values), key=len)[::-1]
    return {
        "Masker, hyperscan": _streamed(native),
        "Masker, plain Python": _streamed(plain),
        "`bytes.replace` loop": _replaced(texts, native.marker),
        "`re` alternation": _alternated(texts, native.marker),
    }


def _rates(contenders: dict[str, Contender], log: bytes) -> dict[str, list[float]]:
    """MB/s of each, one figure a round."""
    pieces = [log[at : at + PIECE] for at in range(0, len(log), PIECE)]
    counts: dict[str, int] = {}
    for name, run in contenders.items():
        run(pieces[:1])  # what is made on first use
        began = time.process_time()
        run(pieces[:2])
        counts[name] = max(1, int(2 * TURN / (time.process_time() - began)))
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _each in range(ROUNDS):
        for name, run in contenders.items():
            turn = pieces[: counts[name]]
            began = time.process_time()
            run(turn)
            rates[name].append(PIECE * len(turn) / 1e6 / (time.process_time() - began))
    return rates


def _cases() -> Iterator[tuple[str, Sequence[bytes], bool]]:
    dice = random.Random(7)
    for count in (1, 10, 100, 1000):
        patterns = f"{count:,} pattern{'s' if count > 1 else ''}"
        yield patterns, [secret(dice) for _each in range(count)], False
    yield "100 secrets in all forms", [secret(dice) for _each in range(100)], True


def _figure(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.1f} ({min(rates):,.1f}-{max(rates):,.1f})"


def table() -> str:
    """Markdown: MB/s of each contender by number of patterns, and what compiling takes."""
    rows: list[str] = []
    for title, values, encoded in _cases():
        log = ci_log(random.Random(11), LOG_SIZE, values)
        contenders = _case(values, encoded)
        rates = _rates(contenders, log)
        if not rows:
            rows = ["| masking, MB/s: median (least-most) | " + " | ".join(rates) + " |"]
            rows.append("| --- |" + " ---: |" * len(rates))
        rows.append(f"| {title} | " + " | ".join(map(_figure, rates.values())) + " |")
    rows += [
        "",
        "| compiling 100 secrets in all forms, ms | median (least-most) |",
        "| --- | ---: |",
    ]
    for name, engine in (("hyperscan", "hyperscan"), ("plain Python", "python")):
        took: list[float] = []
        for _each in range(ROUNDS):
            began = time.process_time()
            Masker(Secrets(values, engine=engine)).feed(b"first")
            took.append(1000 * (time.process_time() - began))
        rows.append(f"| {name} | {_figure(took)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
