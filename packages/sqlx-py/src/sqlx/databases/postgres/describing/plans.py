"""How queries are planned: EXPLAIN of prepared statements, parameters being NULL."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlx.databases.postgres.describing.pipeline import Execute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlx.databases.postgres.describing.catalog import Types
    from sqlx.databases.postgres.describing.pipeline import Reply, Unit
    from sqlx.databases.postgres.describing.prepared import Statement

__all__ = ["Plans", "explain", "explain_otherwise"]


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of statements.

    Args:
        json: What EXPLAIN said, by the statement's name.
        refusals: Why it said nothing when it was asked as SQLx asks, by name.
    """

    json: dict[str, list[object]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    def read(self, statements: Iterable[Statement], replies: Iterable[Reply]) -> None:
        """Keep what came; of several refusals of a statement, the first."""
        for statement, reply in zip(statements, replies, strict=True):
            if reply.refusal is None:
                value = reply.results[0].get_value(0, 0) or b"[]"
                self.json[statement.name] = json.loads(value)
            else:
                self.refusals.setdefault(statement.name, reply.refusal.message)


def explain(statement: Statement) -> Unit:
    """Ask for a plan as SQLx does, every parameter NULL."""
    return _explain(statement, ["NULL" for _oid in statement.parameters])


def explain_otherwise(statement: Statement, types: Types) -> Unit:
    """Ask for a plan where a parameter's domain may refuse NULL.

    It does not refuse one that is taken out of an array which is NULL. The plan is the
    same as with `EXPLAIN (GENERIC_PLAN)`, which PostgreSQL 16 has, and which takes no
    parameters in the extended protocol.
    """
    return _explain(statement, [_null(oid, types) for oid in statement.parameters])


def _explain(statement: Statement, arguments: Sequence[str]) -> Unit:
    given = f"({', '.join(arguments)})" if arguments else ""
    execute = f"EXECUTE {statement.name}{given}"
    return (Execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {execute}"),)


def _null(oid: int, types: Types) -> str:
    return f"(NULL::{types.declared(oid)}[])[1]" if types.is_domain(oid) else "NULL"
