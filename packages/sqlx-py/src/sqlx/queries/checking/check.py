"""Compares a query, as it stands in source, with what the database says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlx.errors import EXCERPT
from sqlx.queries.checking.check_columns import check_columns
from sqlx.queries.checking.check_parameters import check_parameters
from sqlx.queries.checking.codes import CODES, finding
from sqlx.queries.checking.mysql_placeholders import first_pipes
from sqlx.queries.checking.statements import second_statement
from sqlx.queries.values import Database, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlx.queries.sites import Finding, Ignore, Site, SqlText
    from sqlx.queries.values import Description

__all__ = ["check", "compare", "refused", "silence"]

SEVERAL = "sqlite3 runs one statement at a time: make this a query of its own"
PIPES = (
    "`||` joins texts, as it was described, only where the connection's sql_mode has "
    "PIPES_AS_CONCAT; elsewhere it is OR: write CONCAT(…)"
)


def check(site: Site, described: Description | Refusal) -> tuple[Finding, ...]:
    """Tell everything that is wrong with a query, but for what its comments silence.

    Args:
        site: The query in source.
        described: What the database, or the cache, says of its SQL.
    """
    return tuple(silence(compare(site, described), site.ignores))


def compare(site: Site, described: Description | Refusal) -> Iterator[Finding]:
    """Tell everything that is wrong with a query, silenced or not."""
    if isinstance(described, Refusal):
        yield refused(site.text, described)
    else:
        yield from _of_several(site.text, described)
        yield from _of_pipes(site.text, described)
        yield from check_parameters(site, described)
        yield from check_columns(site, described)
        yield from _of_sqlx(site.text, described)


def _of_several(text: SqlText, described: Description) -> Iterator[Finding]:
    """Refuse what SQLite describes, and sqlite3 does not run."""
    if described.database is Database.SQLITE:
        offset = second_statement(text.sql)
        if offset is not None:
            yield refused(text, Refusal(text.sql, SEVERAL, offset))


def _of_pipes(text: SqlText, described: Description) -> Iterator[Finding]:
    """Tell of what MySQL may run otherwise than it was described."""
    if described.database is Database.MYSQL:
        offset = first_pipes(text.sql)
        if offset is not None:
            yield finding(text.place(offset), "unchecked", PIPES)


def _of_sqlx(text: SqlText, described: Description) -> Iterator[Finding]:
    """Tell what a Rust crate that shares the query would be refused."""
    if described.sqlx_refusal:
        message = f"SQLx itself cannot describe this: {described.sqlx_refusal}"
        yield finding(text.place(0), "sqlx", message)


def silence(
    findings: Iterable[Finding], ignores: tuple[Ignore, ...]
) -> Iterator[Finding]:
    """Drop what comments silence, and report the comments that silence nothing.

    Args:
        findings: All that was found at one query, whichever part found it.
        ignores: The comments of that query.
    """
    silenced = {ignore.code for ignore in ignores}
    met = set()
    for found in findings:
        met.add(found.code)
        if found.code not in silenced:
            yield found
    for ignore in ignores:
        if ignore.code not in CODES:
            message = f"there is no code [{ignore.code}]; correct it"
            yield finding(ignore.place, "unused-ignore", message)
        elif ignore.code not in met and not ignore.used:
            message = f"nothing here is [{ignore.code}]; take the comment out"
            yield finding(ignore.place, "unused-ignore", message)


def refused(text: SqlText, refusal: Refusal) -> Finding:
    """Report that the database does not take the SQL, at the place that it names."""
    message = refusal.message
    if refusal.sqlstate is not None:
        # SQLite has numbers, of at most four digits; PostgreSQL five characters.
        is_state = len(refusal.sqlstate) == len("42703")
        message += f" [{refusal.sqlstate if is_state else f'code {refusal.sqlstate}'}]"
    for name, more in (("detail", refusal.detail), ("hint", refusal.hint)):
        message += f" ({name}: {more})" if more else ""
    offset = refusal.offset
    excerpt = "" if offset is None else _excerpt(text.sql, offset)
    return finding(text.place(offset or 0), "sql", message, excerpt)


def _excerpt(sql: str, offset: int) -> str:
    """Show the line of a place, or the part of a long one, and a caret below it."""
    begin = sql.rfind("\n", 0, offset) + 1
    line = sql[begin:].partition("\n")[0].rstrip()
    column = offset - begin
    cut = max(0, column - EXCERPT // 2) if len(line) > EXCERPT else 0
    shown = line[cut : cut + EXCERPT].replace("\t", " ")
    return f"{shown}\n{' ' * (column - cut)}^"
