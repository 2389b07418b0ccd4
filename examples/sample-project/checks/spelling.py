"""Finds words that are often spelled wrong: usage: spelling.py FILE..."""

from __future__ import annotations

import pathlib
import re
import sys

WRONG = {
    "acheive": "achieve",
    "accross": "across",
    "definately": "definitely",
    "occured": "occurred",
    "recieve": "receive",
    "seperate": "separate",
    "untill": "until",
}


def main(files: list[str]) -> int:
    """Print every word that is wrong; the exit code."""
    found = 0
    for file in files:
        text = pathlib.Path(file).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for word in re.findall(r"[a-z]+", line.lower()):
                if word in WRONG:
                    print(f"{file}:{number}: {word!r} should be {WRONG[word]!r}")
                    found += 1
    print(f"{found} words are wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
