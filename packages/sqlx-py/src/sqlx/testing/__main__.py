"""Start the embedded test server for somebody who looks at a database that was kept.

`python -m sqlx.testing` prints the databases and their URLs, and runs until Ctrl-C.
"""

from __future__ import annotations

import sys
from signal import SIGINT, SIGTERM, default_int_handler, signal
from threading import Event

from sqlx.config.url import EmbeddedUrl
from sqlx.errors import SqlxError
from sqlx.opening import connect, embedded_place
from sqlx.testing.places import SETTINGS, embedded_folder, url_of
from sqlx.testing.sweeping import find

__all__ = ["main"]


def main() -> int:
    """Start the server, print what it has, and stop it when told to."""
    signal(SIGTERM, default_int_handler)
    try:
        _serve()
    except KeyboardInterrupt:
        return 128 + SIGINT
    except SqlxError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _serve() -> None:
    where = EmbeddedUrl(embedded_folder(), "postgres", "embedded")
    with embedded_place(where, SETTINGS) as place:
        with connect(place, "postgres") as connection:
            kept = [found for found in find(connection) if found.kept_for]
        for found in kept:
            url = url_of({**place.keywords, "dbname": found.name})
            sys.stdout.write(f"{found.kept_for}\n  {url}\n")
        sys.stdout.write(f"{len(kept)} databases are kept; Ctrl-C stops the server\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    sys.exit(main())
