"""Random queries are described, and run: what is proved must be true of all rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import mysql_server
import pymysql
from databases.mysql_proof.sentences import Sentences, tables, views

from sqlx.databases.mysql.describing.describe import describe
from sqlx.queries.values import Description

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlx.databases.mysql.connect import Connection

__all__ = ["Stage", "tried"]

VIEWS, OF_ONE_STAGE = 6, 250


@dataclass
class Stage:
    """Tables and views, and what queries on them showed.

    Args:
        connection: In an empty database.
        counts: How often NULL came or did not, and whether that was proved.
        wrong: What was proved, and is not so.
    """

    connection: Connection
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def build(self, chance: Random) -> Sentences:
        """Make the tables and the views."""
        known: list[str] = []
        with self.connection.cursor() as cursor:
            for sql in tables(chance):
                cursor.execute(sql)
            for sql in views(chance, VIEWS):
                try:
                    cursor.execute(sql)
                except pymysql.MySQLError:  # It reads one that could not be made.
                    continue
                known.append(sql.split()[2])
        return Sentences(chance, tuple(known))

    def check(self, queries: Sequence[str]) -> None:
        """Describe queries in one go, then run each."""
        for described in describe(self.connection, queries):
            if isinstance(described, Description):
                self._run(described)
            else:
                self.counts["refused"] += 1

    def _run(self, described: Description) -> None:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(described.sql)
                rows = cursor.fetchall()
        except pymysql.MySQLError:
            self.counts["failed"] += 1
            return
        for at, column in enumerate(described.columns):
            null = any(row[at] is None for row in rows)
            assert column.proof is not None, described.sql
            sure = not column.proof.may_be_null
            self.counts[f"{'null' if null else 'value'}-{sure}"] += bool(rows)
            if sure and null:
                self.wrong.append(f"{column.name} of {described.sql}")
            if column.nullable is False and null:
                self.counts["the server was wrong"] += 1


def tried(server: mysql_server.Server, seed: int, queries: int) -> Stage:
    """Try random queries, on new tables every now and then."""
    total = Stage(mysql_server.connect(server.url()))
    for number, start in enumerate(range(0, queries, OF_ONE_STAGE)):
        name = f"proof_{seed}_{number}"
        server.ask(f"CREATE DATABASE {name}")
        chance = Random(seed * 1000 + number)  # noqa: S311 -- chance need not be secret.
        with mysql_server.connect(server.url(name)) as connection:
            stage = Stage(connection, total.counts, total.wrong)
            sentences = stage.build(chance)
            count = min(OF_ONE_STAGE, queries - start)
            stage.check([sentences.sentence() for _ in range(count)])
        server.ask(f"DROP DATABASE {name}")
    total.connection.close()
    return total
