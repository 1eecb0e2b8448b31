"""Ask a service again and again, and measure how long it did not answer.

Runs where the operator sits: `poll.py URL [KEY]`. It prints a line when the first
answer came, asks until its standard input ends, and then prints what it saw, as JSON.
With a key it embeds a text, without one it only asks.
"""

from __future__ import annotations

import json
import select
import ssl
import sys
import time
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

__all__ = ["Seen"]

EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 10


@dataclass(slots=True)
class Seen:
    """What the asking saw.

    Args:
        answers: How many were 200.
        refusals: How many were something else, by status; 0 is no answer at all.
        interruption_seconds: The longest time between two answers of 200, from the end
            of the one to the end of the other.
        slowest_seconds: The longest that an answer of 200 took.
    """

    answers: int
    refusals: dict[str, int]
    interruption_seconds: float
    slowest_seconds: float

    def __str__(self) -> str:
        refused = dict(sorted(self.refusals.items())) or "none"
        return (
            f"{self.interruption_seconds * 1000:.0f} ms ({self.answers} answers, "
            f"the slowest after {self.slowest_seconds * 1000:.0f} ms; "
            f"others by status: {refused})"
        )


def ask(url: str, key: str) -> int:
    """Ask once, on a connection of its own, and give the status."""
    parts = urlsplit(url)
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE  # The host has made its certificate itself.
    assert parts.hostname is not None
    connection = HTTPSConnection(
        parts.hostname, parts.port, timeout=PATIENCE_SECONDS, context=unverified
    )
    try:
        if not key:
            connection.request("GET", parts.path)
        else:
            headers = {
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
            }
            connection.request("POST", parts.path, '{"input": "drill"}', headers)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def watch(url: str, key: str) -> Seen:
    """Ask until standard input ends."""
    seen = Seen(0, {}, 0.0, 0.0)
    last = None
    while not select.select([sys.stdin], [], [], EVERY_SECONDS)[0]:
        asked = time.monotonic()
        status = ask(url, key)
        now = time.monotonic()
        if status != 200:
            seen.refusals[str(status)] = seen.refusals.get(str(status), 0) + 1
            continue
        if last is None:
            sys.stdout.write("answers\n")
            sys.stdout.flush()
        gap = now - (now if last is None else last)
        seen.interruption_seconds = max(seen.interruption_seconds, gap)
        seen.slowest_seconds = max(seen.slowest_seconds, now - asked)
        seen.answers += 1
        last = now
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(watch(sys.argv[1], "".join(sys.argv[2:])))))
