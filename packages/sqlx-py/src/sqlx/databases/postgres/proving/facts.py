"""What the catalog says of the relations and functions that queries name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlx.databases.postgres.proving.nodes import Node, UnknownTree, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Facts", "Function", "Relation", "find_facts", "the_query"]

Rows: TypeAlias = "Sequence[Sequence[str | None]]"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, a view, or their kin.

    Args:
        kind: As in `pg_class.relkind`; "f" also for a table of which a part is foreign;
            empty when it is gone.
        never_null: The numbers of the columns that the server keeps from being NULL.
        replaced: Whether a rule may do something else than what a statement says, and
            return rows of its own.
        definition: A view's query; None when we cannot read it.
    """

    kind: str
    never_null: frozenset[int] = frozenset()
    replaced: bool = False
    definition: Node | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function, or what an operator does.

    Args:
        name: Its name, without its schema.
        is_strict: Whether it gives NULL, and does not even run, when an argument is.
        source: The name of its C function when the server brought it (`sql_` and its
            OID when that is one in SQL); None for all others.
        operator: An operator that it is behind, if any.
    """

    name: str
    is_strict: bool
    source: str | None = None
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known, by OID."""

    relations: Mapping[int, Relation]
    functions: Mapping[int, Function]


def find_facts(trees: Iterable[str], ask: Callable[[str, str], Rows]) -> Facts:
    """Find out what trees name, and what the views do that they name.

    Views may name views: each round asks for what the one before has brought up.

    Args:
        trees: Their texts.
        ask: Asks the server with one parameter, and gives the rows.
    """
    relations: dict[int, Relation] = {}
    functions: set[int] = set()
    texts = list(trees)
    while texts:
        named = {int(oid) for text in texts for oid in _RELATION.findall(text)}
        functions.update(int(o) for text in texts for o in _FUNCTION.findall(text))
        new = named - relations.keys() - {0}
        rows = ask(RELATIONS, _array(new)) if new else []
        relations |= dict.fromkeys(new, Relation("")) | dict(map(_relation, rows))
        texts = [text for *_, text in rows if text is not None]
    found = ask(FUNCTIONS, _array(functions)) if functions else []
    return Facts(relations, dict(map(_function, found)))


def the_query(text: str) -> Node:
    """Read the one query that a view, or the body of a function, consists of.

    Raises:
        UnknownTree: There is none, or more, or it is not written as we know it.
    """
    tree = parse(text)
    while isinstance(tree, list) and len(tree) == 1:
        tree = tree[0]
    if isinstance(tree, Node) and tree.tag == "QUERY":
        return tree
    raise UnknownTree("not one query")


# What stands in a name has a backslash before each blank.
_RELATION = re.compile(r" :relid (\d+)")
_FUNCTION = re.compile(r" :(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)")
# FirstNormalObjectId: what has a smaller OID came with the server.
FIRST_OF_USERS = 16384

# NOT NULL is no proof where it is not checked: of a foreign table, of a constraint that
# is NOT VALID (PostgreSQL 18), of a column that is computed when it is read. A table
# shows the rows of its children too, which until PostgreSQL 18 may lack the constraint.
RELATIONS = """
WITH RECURSIVE tree(root, member) AS (
    SELECT o.oid, o.oid FROM unnest($1::oid[]) o(oid)
    UNION
    SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.member
), sure AS (
    SELECT t.root, a.attname
    FROM tree t
    JOIN pg_attribute a ON a.attrelid = t.member AND a.attnum > 0 AND NOT attisdropped
    GROUP BY t.root, a.attname
    HAVING bool_and(a.attnotnull AND a.attgenerated <> 'v' AND NOT EXISTS (
        SELECT FROM pg_constraint c
        WHERE c.conrelid = a.attrelid AND c.contype = 'n'
          AND c.conkey[1] = a.attnum AND NOT c.convalidated
    ))
)
SELECT
    c.oid,
    CASE
        WHEN EXISTS (
            SELECT FROM tree t JOIN pg_class m ON m.oid = t.member
            WHERE t.root = c.oid AND m.relkind = 'f'
        ) THEN 'f'
        ELSE c.relkind
    END,
    ARRAY(
        SELECT a.attnum
        FROM pg_attribute a JOIN sure s ON s.root = a.attrelid AND s.attname = a.attname
        WHERE a.attrelid = c.oid
    ),
    EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1'),
    (
        SELECT r.ev_action FROM pg_rewrite r
        WHERE r.ev_class = c.oid AND r.ev_type = '1' AND c.relkind = 'v'
    )
FROM pg_class c
WHERE c.oid = ANY ($1::oid[])
"""
FUNCTIONS = f"""
SELECT
    p.oid,
    p.proname,
    p.proisstrict,
    CASE
        WHEN p.oid >= {FIRST_OF_USERS} THEN NULL
        WHEN l.lanname = 'internal' THEN p.prosrc
        WHEN l.lanname = 'sql' THEN 'sql_' || p.oid
    END,
    o.oprname
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN (
    SELECT oprcode, min(oprname::text) AS oprname FROM pg_operator GROUP BY oprcode
) o ON o.oprcode = p.oid
WHERE p.oid = ANY ($1::oid[])
"""


def _array(oids: Iterable[int]) -> str:
    return f"{{{','.join(map(str, sorted(oids)))}}}"


def _relation(row: Sequence[str | None]) -> tuple[int, Relation]:
    oid, kind, columns, replaced, text = row
    numbers = frozenset(map(int, re.findall(r"\d+", columns or "")))
    definition = None if text is None else _definition(text)
    return int(oid or 0), Relation(kind or "", numbers, replaced == "t", definition)


def _definition(text: str) -> Node | None:
    try:
        return the_query(text)
    except UnknownTree:
        return None


def _function(row: Sequence[str | None]) -> tuple[int, Function]:
    oid, name, strict, source, operator = row
    return int(oid or 0), Function(name or "", strict == "t", source, operator)
