"""Random tables and views, three times with other rows, and what is true there.

What the proof says of a query is compared with what the query returns: on rows full of
NULL, on tables that are empty, and on few rows.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from databases.postgres_proof.items import COLUMNS
from databases.postgres_proof.sentences import Sentence, Sentences
from psycopg import pq

from sqlx.databases.postgres.proving.proof import Probe, prove

if TYPE_CHECKING:
    from random import Random

    import psycopg

__all__ = ["Stage", "Wrong"]

TABLES = ("t1", "t2", "t3", "parts", "parent")
VIEWS = ("v1", "v2", "v3", "v4")
SCHEMAS = ("many", "none", "few")
ROWS = {"many": (2, 4), "none": (0, 1), "few": (1, 2)}
POSTGRES_18 = 18


@dataclass(frozen=True, slots=True)
class Wrong:
    """A column that was called NOT NULL, and was NULL."""

    sql: str
    column: int
    schema: str


@dataclass(slots=True)
class Stage:
    """A database with random tables.

    Args:
        connection: To a database of its own, in autocommit.
        random: Where chance comes from.
    """

    connection: psycopg.Connection
    random: Random
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def major(self) -> int:
        """PostgreSQL's version."""
        return self.connection.info.server_version // 10000

    def build(self) -> Sentences:
        """Make the tables anew; give what writes queries for them."""
        # Queries of many joins are planned for minutes otherwise, and not stopped.
        self._run("SET join_collapse_limit = 3; SET from_collapse_limit = 3")
        self._run("SET jit = off")
        tables = [self._table(name) for name in TABLES]
        children = self._children()
        sentences = Sentences(self.random, TABLES, (), self.major)
        for schema in SCHEMAS:
            self._run(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
            self._run(f"SET search_path TO {schema}; SET statement_timeout = 300")
            for sql in (*tables, *children):
                assert not self._run(sql), sql
            self._fill(schema)
        for name in VIEWS:
            self._view(name, sentences)
            sentences.views = (*sentences.views, name)
        self._run("SET search_path TO many")
        return sentences

    def check(self, sentences: list[Sentence]) -> list[Wrong]:
        """Compare what is proved of queries with what they return."""
        self._run("SET search_path TO many; SET statement_timeout = 0")
        probes = [Probe(s.sql, s.parameters, s.columns) for s in sentences]
        proofs = prove(self.connection, probes)
        self._run("SET statement_timeout = 300")
        wrong = []
        for schema in SCHEMAS:
            self._run(f"SET search_path TO {schema}")
            for sentence, proof in zip(sentences, proofs, strict=True):
                if proof is None:
                    self.counts["unproved"] += 1
                    continue
                sure = [not column.may_be_null for column in proof]
                self.counts["sure"] += sum(sure)
                self.counts["columns"] += len(sure)
                nulls = self._nulls(sentence, null=schema == "many")
                self.counts["null"] += len(nulls)
                wrong += [Wrong(sentence.sql, c, schema) for c in nulls if sure[c]]
        return wrong

    def _nulls(self, sentence: Sentence, *, null: bool) -> set[int]:
        """Run a query, and name the columns that have a NULL."""
        values = {"int": "(1)", "text": "('x')", "bool": "(true)"}

        def given(found: re.Match[str]) -> str:
            kind = sentence.parameters[int(found[1]) - 1]
            return f"(NULL::{kind})" if null else values[kind]

        sql = re.sub(r"\$(\d+)", given, sentence.sql)
        self.connection.pgconn.exec_(b"BEGIN")
        result = self.connection.pgconn.exec_(sql.encode())
        self.connection.pgconn.exec_(b"ROLLBACK")
        if result.status != pq.ExecStatus.TUPLES_OK:
            self.counts["refused"] += 1
            self.errors[result.error_message.decode().split("\n")[0]] += 1
            return set()
        self.counts["run"] += 1
        self.counts["with rows"] += result.ntuples > 0
        return {
            column
            for column in range(result.nfields)
            if any(
                result.get_value(row, column) is None for row in range(result.ntuples)
            )
        }

    def _run(self, sql: str) -> str:
        result = self.connection.pgconn.exec_(sql.encode())
        return result.error_message.decode()

    def _table(self, name: str) -> str:
        """Write a table, with NOT NULL here and there."""
        columns = [
            f"{column} {kind}{' NOT NULL' if self.random.random() < 0.5 else ''}"
            for column, kind in COLUMNS.items()
            if column != "id"
        ]
        parted = " PARTITION BY RANGE (id)" if name == "parts" else ""
        return f"CREATE TABLE {name} (id int PRIMARY KEY, {', '.join(columns)}){parted}"

    def _children(self) -> list[str]:
        """Write parts, and a child that lacks the NOT NULL of its parent."""
        only = (
            "ADD CONSTRAINT only_here NOT NULL k NO INHERIT"
            if self.major >= POSTGRES_18
            else "ALTER k SET NOT NULL"
        )
        return [
            "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (3)",
            "CREATE TABLE high PARTITION OF parts DEFAULT",
            "ALTER TABLE parent ALTER k DROP NOT NULL",
            "CREATE TABLE child () INHERITS (parent)",
            f"ALTER TABLE ONLY parent {only}",
            "INSERT INTO child VALUES (70, NULL, 1, 'x', true)",
        ]

    def _fill(self, schema: str) -> None:
        for table in (*TABLES, "child"):
            for number in range(self.random.randint(*ROWS[schema])):
                # A row that a NOT NULL refuses is tried again, with fewer NULLs.
                for percent in (60, 40, 20, 0):
                    cells = ", ".join(
                        self._cell(kind, percent) for kind in ("int",) * 2
                    )
                    rest = (
                        f"{self._cell('text', percent)}, {self._cell('bool', percent)}"
                    )
                    row = f"({number + 1}, {cells}, {rest})"
                    if not self._run(f"INSERT INTO {table} VALUES {row}"):
                        break

    def _cell(self, kind: str, percent: int) -> str:
        if self.random.randrange(100) < percent:
            return "NULL"
        values = {"int": "012", "text": ("'x'", "''", "'1'"), "bool": ("true", "false")}
        return self.random.choice(values[kind])

    def _view(self, name: str, sentences: Sentences) -> None:
        """Make a view, of a random query that the server takes, and that is quick."""
        names = ", ".join(COLUMNS)
        kind = "MATERIALIZED VIEW" if name == VIEWS[-1] else "VIEW"
        while True:
            sql = f"CREATE {kind} {name}({names}) AS {sentences.view()}"
            refused = [
                self._run(
                    f"SET search_path TO {schema}; SET statement_timeout = 300; {sql};"
                    f" SET statement_timeout = 10; SELECT count(*) FROM {name}"
                )
                for schema in SCHEMAS
            ]
            if not any(refused):
                return
            for schema in SCHEMAS:
                self._run(f"DROP {kind} IF EXISTS {schema}.{name} CASCADE")
