"""The codes of findings: what each means, and the mend. The docs are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.sites import Finding, Severity

if TYPE_CHECKING:
    from sqlx.queries.sites import Place

__all__ = ["CODES", "Code", "document", "finding"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding.

    Args:
        word: What stands in brackets, and in `sqlx: ignore[…]`.
        means: A sentence.
        mend: Another.
        severity: How bad it is.
    """

    word: str
    means: str
    mend: str
    severity: Severity = Severity.ERROR


_ALL = (
    Code(
        "sql",
        "The database refuses the SQL.",
        "The place in the SQL, and often a hint, are the server's: correct it there.",
    ),
    Code(
        "sqlx",
        "Rust's SQLx cannot describe the query, though the database takes it.",
        "It matters where a Rust crate has the same query.",
        Severity.NOTICE,
    ),
    Code(
        "param-count",
        "The SQL has another number of parameters than the function or the call.",
        "The function's first parameter is the connection; the second is `$1`.",
    ),
    Code(
        "param-type",
        "A parameter is annotated with a class that its type in the SQL does not take.",
        "Write what the message proposes, or cast it in the SQL: `$1::text`.",
    ),
    Code(
        "column-count",
        "A scalar is returned, and the SQL has not exactly one column.",
        "Return a row class with a field for each column.",
    ),
    Code(
        "column-name",
        "A column has no name that a field can have, a wrong override, or the name of "
        "another column.",
        'Give it a name of its own: `AS "name"`.',
    ),
    Code(
        "column-missing",
        "A field of the row class has no column of its name.",
        "Select it, or give the field a default.",
    ),
    Code(
        "column-extra",
        "A column has no field of its name.",
        "Add a field, alias the column to the name of one, or do not select it.",
    ),
    Code(
        "column-type",
        "A column's type is not what the annotation says.",
        "Write what the message proposes, or cast the column in the SQL.",
    ),
    Code(
        "nullable",
        "A column may be NULL, and the annotation does not allow None.",
        'Write `| None`; or, where NULL never comes, alias the column `AS "name!"`.',
    ),
    Code(
        "no-rows",
        "A function returns rows, and the SQL returns none. (The reverse is allowed: "
        "`None` and `RowsAffected` drop the rows.)",
        "Return `None` or `sqlx.RowsAffected`, or add RETURNING to the SQL. What CALL "
        "gives MySQL tells when it runs: `sqlx.unchecked(…)` fetches it.",
    ),
    Code(
        "returns",
        "The return annotation does not say how many rows of what.",
        "Return `T`, `T | None`, `list[T]`, `Iterator[T]`, `AsyncIterator[T]`, `None` "
        "or `sqlx.RowsAffected`, where `T` is a row class or a scalar.",
    ),
    Code(
        "any",
        "An annotation is missing, or is `Any`, which nothing can be compared with. "
        "For JSON it is right.",
        "Write what the message proposes.",
    ),
    Code(
        "unresolved",
        "A name in an annotation does not exist.",
        "Import it; under `if TYPE_CHECKING:` is enough.",
    ),
    Code(
        "unchecked",
        "The database does not tell what comes from a column, so its annotation is "
        "taken on trust: of SQLite an expression or an unusual type, of MySQL what is "
        "made of parameters, or of `||`.",
        "CAST the expression, or declare the column with a type that SQLite knows; "
        "write CONCAT for `||`.",
        Severity.NOTICE,
    ),
    Code(
        "dynamic-sql",
        "The SQL is no literal, so nothing can be checked.",
        "Write a literal; or, where it must be made at run time, `sqlx.unchecked(…)`.",
    ),
    Code(
        "file",
        "The file of a `query_file` cannot be had.",
        "Its path is relative to the folder of the nearest `pyproject.toml`.",
    ),
    Code(
        "sql-text",
        "The SQL has a character that no database can be sent.",
        "Take it out.",
    ),
    Code(
        "declaration",
        "What is decorated or called is no query that sqlx can run.",
        "The message says what it should look like.",
    ),
    Code(
        "connection",
        "The first parameter is no connection that sqlx knows.",
        "Annotate it with a connection or a pool of psycopg, asyncpg, PyMySQL, asyncmy "
        "or sqlite3.",
    ),
    Code(
        "syntax",
        "Python cannot read the source file.",
        "Correct it where the message says.",
    ),
    Code(
        "import",
        "A module with queries cannot be imported.",
        "The error is the module's own; the other modules are checked.",
    ),
    Code(
        "cache-missing",
        "Offline, `.sqlx/` has no file for the query: it is new, or was changed.",
        "Run `sqlx prepare` with a database, and commit what it writes.",
    ),
    Code(
        "cache-changed",
        "The database says something else of the query than `.sqlx/` does.",
        "Run `sqlx prepare`, and commit what it writes.",
    ),
    Code(
        "cache-migrations",
        "`.sqlx/` was made by other migrations than those that lie there.",
        "Run `sqlx prepare`, and commit what it writes.",
    ),
    Code(
        "cache-database",
        "The file in `.sqlx/` was made by another kind of database.",
        "Run `sqlx prepare` with the right database URL, and commit what it writes.",
    ),
    Code(
        "cache-file",
        "A file in `.sqlx/` cannot be read.",
        "Restore it, or delete it and run `sqlx prepare`.",
    ),
    Code(
        "unused-ignore",
        "A comment `sqlx: ignore[…]` silences nothing, or names no code.",
        "Take it out.",
        Severity.WARNING,
    ),
)
CODES = {code.word: code for code in _ALL}
"""Every code, by its word."""


def finding(place: Place, word: str, message: str, excerpt: str = "") -> Finding:
    """Make a finding of a code, as severe as the code is."""
    where = (place.line, place.column, excerpt)
    return Finding(place.path, CODES[word].severity, word, message, *where)


def document() -> str:
    """Write the codes as Markdown, a heading for each."""
    return "\n".join(
        f"### `{code.word}`\n\n{_kind(code)}{code.means} {code.mend}\n" for code in _ALL
    )


def _kind(code: Code) -> str:
    if code.severity is Severity.ERROR:
        return ""
    return f"*A {code.severity.value}: nothing fails by it.* "
