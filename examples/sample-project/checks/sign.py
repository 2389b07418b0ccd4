"""Signs a file with the secret in SIGNING_TOKEN: usage: sign.py FILE"""

from __future__ import annotations

import hashlib
import hmac
import os
import pathlib
import sys


def main(file: str) -> int:
    """Write FILE.sig, with the HMAC of the file; the exit code."""
    content = pathlib.Path(file).read_bytes()
    token = os.environ["SIGNING_TOKEN"].encode()
    signature = hmac.new(token, content, hashlib.sha256).hexdigest()
    pathlib.Path(f"{file}.sig").write_text(f"sha256={signature}\n", encoding="utf-8")
    print(f"{file}.sig: sha256={signature}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
