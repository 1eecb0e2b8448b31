"""The parts of a check, as the library's functions, to be measured one by one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import apsw
import psycopg
from projects import PACKAGE, POSTGRES

import sqlx
from sqlx.databases.postgres.proving import proof as postgres
from sqlx.databases.sqlite.describing.listing import read_program
from sqlx.databases.sqlite.describing.stored import read_stored
from sqlx.databases.sqlite.proving import proof as sqlite
from sqlx.describing import Way, open_url
from sqlx.queries.caching.beside import Prepared
from sqlx.queries.caching.cache import Cache
from sqlx.queries.checking.check import check
from sqlx.queries.collecting.collect import collect
from sqlx.queries.values import Description, SqlxVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from projects import Kind

__all__ = ["Part", "parts"]

Part: TypeAlias = "Callable[[], object]"
PARAMETERS = "bigint", "double precision"


@contextmanager
def parts(kind: Kind, folder: Path, url: str) -> Iterator[Mapping[str, Part]]:
    """Open a project's database, and give the parts by their names.

    Args:
        kind: Of database.
        folder: The project.
        url: The database; it has the tables.
    """
    sites = collect([PACKAGE], str(folder)).sites
    texts = [site.text.sql for site in sites]
    way = Way(sqlx.Migrator(folder / "migrations"))
    prover = _postgres_prover if kind is POSTGRES else _sqlite_prover
    with (
        tempfile.TemporaryDirectory(prefix="sqlx-bench-") as work,
        open_url(url, way) as live,
    ):
        known = [d for d in live.describe(texts) if isinstance(d, Description)]
        answers = {description.sql: description for description in known}
        prepared = Prepared(live.database, live.server, SqlxVersion.V0_9, None)
        cache = Cache(work)

        def write() -> None:
            shutil.rmtree(work)
            cache.write(known, prepared)

        with prover(url, known) as prove:
            yield {
                "collect": lambda: collect([PACKAGE], str(folder)),
                "describe, with the proofs": lambda: live.describe(texts),
                "the proofs alone": prove,
                "compare": lambda: [check(s, answers[s.text.sql]) for s in sites],
                "write": write,
                "read": lambda: list(map(cache.read, texts)),
            }


@contextmanager
def _postgres_prover(url: str, known: Sequence[Description]) -> Iterator[Part]:
    probes = [postgres.Probe(d.sql, PARAMETERS, len(d.columns)) for d in known]
    with psycopg.connect(url, autocommit=True) as connection:
        yield lambda: postgres.prove(connection, probes)


@contextmanager
def _sqlite_prover(url: str, known: Sequence[Description]) -> Iterator[Part]:
    with closing(apsw.Connection(url.removeprefix("sqlite://"))) as connection:
        stored = read_stored(connection)

        def prove() -> None:
            for each in known:
                program = read_program(connection, each.sql, len(PARAMETERS))
                sqlite.prove(each.sql, program, stored, len(each.columns))

        yield prove
