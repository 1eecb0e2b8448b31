"""Start the embedded test server for somebody who looks at a database that was kept.

`python -m sqlx.testing` prints the databases and their URLs, and runs until Ctrl-C;
`embedded:PATH` behind it names another server than that of the machine's user.
"""

from __future__ import annotations

import sys
from signal import SIGINT, SIGTERM, default_int_handler, signal
from threading import Event

from sqlx.config.url import EmbeddedUrl
from sqlx.errors import ConfigurationError, SqlxError
from sqlx.opening import connect, embedded_place
from sqlx.testing.places import SETTINGS, place, url_of

__all__ = ["main"]

USAGE = "usage: python -m sqlx.testing [embedded:PATH]"


def main(arguments: list[str]) -> int:
    """Start the server, print what it has, and stop it when told to.

    Returns:
        1 for a server that cannot be started, 2 for wrong arguments, 130 for Ctrl-C.
    """
    signal(SIGTERM, default_int_handler)
    try:
        _serve(_where(arguments))
    except KeyboardInterrupt:
        return 128 + SIGINT
    except SqlxError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else 1
    return 0


def _where(arguments: list[str]) -> EmbeddedUrl:
    match arguments:
        case [] | [str()]:
            where = place("".join(arguments), "embedded")
            if isinstance(where, EmbeddedUrl):
                return where
    raise ConfigurationError(USAGE)


def _serve(where: EmbeddedUrl) -> None:
    with embedded_place(where, SETTINGS) as there:
        from sqlx.testing.postgres.ground import PostgresGround  # Psycopg is there.

        with connect(there, "postgres") as connection:
            found = PostgresGround(connection).find()
        kept = [each for each in found if each.kept_for]
        for each in kept:
            url = url_of({**there.keywords, "dbname": each.name})
            sys.stdout.write(f"{each.kept_for}\n  {url}\n")
        count = {0: "nothing is", 1: "1 database is"}
        told = count.get(len(kept), f"{len(kept)} databases are")
        sys.stdout.write(f"{told} kept; Ctrl-C stops the server\n")
        sys.stdout.flush()
        Event().wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
