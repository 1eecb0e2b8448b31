"""Restart the service, wait until it is ready, and measure how long it was not.

    restart.py PORT SECONDS SINCE COMMAND [ARGUMENT...]

While COMMAND restarts the service, http://127.0.0.1:PORT/health/ready is asked all the
time; once COMMAND has ended, it has SECONDS to answer 200. SINCE is a time of `date
+%s.%N` since which the service has been away already, or `-`. Prints a JSON object:
`ready`, `away_since` (null when the service was not there before) and `interrupted_ms`,
an upper bound: from the last answer before to the first one after. Exits with 1 when
the service is not ready.
"""

# ruff: noqa: INP001 -- it is no part of a package.

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from http import HTTPStatus

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 2


def main(port: str, seconds: str, since: str, *command: str) -> int:
    """Restart, watch, and say what was seen."""
    away_since = None if since == "-" else float(since)
    if is_ready(int(port)):
        away_since = time.time()
    back, was_away, deadline = None, False, None
    # What systemctl says of a failure is less than what the journal says.
    quiet = subprocess.DEVNULL
    restart = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603 -- the play's.
    while back is None and not restart.poll() and not has_passed(deadline):
        if restart.returncode == 0 and deadline is None:
            deadline = time.time() + float(seconds)
        if not is_ready(int(port)):
            was_away = True
        elif was_away or restart.returncode == 0:
            back = time.time()
        elif away_since is not None:
            away_since = time.time()
        time.sleep(PAUSE_SECONDS)
    ready = restart.wait() == 0 and back is not None
    interrupted = round((back - away_since) * 1000) if back and away_since else None
    told = {"ready": ready, "away_since": away_since, "interrupted_ms": interrupted}
    print(json.dumps(told))  # noqa: T201 -- a program prints.
    return 0 if ready else 1


def has_passed(deadline: float | None) -> bool:
    """Whether there is a deadline, and it is over."""
    return deadline is not None and time.time() > deadline


def is_ready(port: int) -> bool:
    """Whether the service says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
