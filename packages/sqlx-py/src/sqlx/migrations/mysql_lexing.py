r"""The tokens of MySQL's and MariaDB's SQL, up to a delimiter of the file's own.

`/*!50003 … */` and `/*M!100400 … */` are code for a server of that version or later:
what stands in them is read as SQL. Versions of nines, which no server has, mark plain
comments; mariadb-dump begins with one.

Strings are read with backslashes as escapes. That is wrong where sql_mode says
NO_BACKSLASH_ESCAPES, or ANSI_QUOTES of what stands in `"`: there a string that ends
with a backslash makes the text doubtful, since its quote opens another, and either that
one is never closed, or the next backslash stands outside of quotes.

Source:
    sql_lex.cc of both servers; client/mysql.cc, `add_line`.
"""

from __future__ import annotations

import re
from functools import cache

from sqlx.migrations.lexing import (
    BLANKS,
    FIRST,
    INNER,
    Lexicon,
    ascii_but,
    lf_line,
    nested_comment_end,
    past,
    quoted,
)

__all__ = ["mysql_lexicon"]

# A group is repeated within `(?>…)`: Python before 3.11.5 errs in possessive groups.
_STRING_ENDS = {
    quote: re.compile(
        rf"[^{quote}\\]*+(?>(?:(?:\\.|{quote}{quote})[^{quote}\\]*+)*){quote}",
        re.DOTALL,
    )
    for quote in "'\""
}
_QUOTED = "|".join(
    [*(f"{q}(?s:{end.pattern})" for q, end in _STRING_ENDS.items()), "`[^`]*+`"]
)


@cache
def mysql_lexicon(delimiter: str = ";", *, conditional: bool = False) -> Lexicon:
    """Make the lexicon that knows a delimiter.

    Args:
        delimiter: What ends a statement besides `;`; it goes before all else outside
            of quotes and comments, also within a word.
        conditional: Whether the text stands in `/*! … */`, which `*/` ends.
    """
    own = delimiter != ";"
    stop = f"(?!{re.escape(delimiter)})" if own else ""
    # What no splitter need see: rows of a dump are crossed in one step.
    inert = (
        rf"(?:(?>(?:{stop}[^()'\"`#;\\/*\0-])+)|{_QUOTED}"
        rf"|{stop}(?:-(?!-)|/(?!\*)|\*(?!/)))"
    )
    marks = "|".join(
        [
            *([f"(?P<delimiter>{re.escape(delimiter)})"] if own else []),
            "(?P<name>`)|(?P<line>#|--(?=[\0- \x7f]|\\Z))",
            r"(?P<closing>\*/)" if conditional else _CONDITIONAL,
            rf"(?P<block>/\*)|(?P<flat>\((?>{inert}*)\))|(?P<open>\()|(?P<close>\))",
            r"(?P<semicolon>;)|(?P<doubt>\\(?!N)|\0)",
        ]
    )
    letter = f"(?>(?:{stop}{INNER})*)"
    others = ascii_but("`#*" if conditional else "`#")
    return Lexicon(
        every=re.compile(
            f"[{BLANKS}]*+(?:{marks}|(?P<string>[bBxXnN]?'|\")"
            f"|(?P<word>(?:{FIRST}|\\$){letter})|(?P<number>[0-9]{letter})"
            rf"|(?P<other>(?>(?:{stop}{others})+)|[/*\\-]))"
        ),
        marks=re.compile(
            rf"(?>(?:{inert}|\((?>{inert}*)\))*)(?:{marks}|(?P<string>['\"])|(?P<other>[-*\\])|\Z)"
        ),
        ends={
            "string": _string,
            "name": quoted,
            "line": lf_line,
            "block": _comment,
        },
    )


_SKIPPED = re.compile("M?!99999")
_CONDITIONAL = r"(?P<conditional>/\*M?!(?!99999)(?:[0-9]{5,6})?)"


def _string(text: str, opening: re.Match[str], _at: int) -> int | None:
    """Look for the same quote, neither escaped nor doubled."""
    end = _STRING_ENDS[text[opening.end() - 1]].match(text, opening.end())
    return None if end is None else end.end()


def _comment(text: str, opening: re.Match[str], _at: int) -> int | None:
    """Plain comments do not nest; in `/*! … */` that is skipped there may be some."""
    if _SKIPPED.match(text, opening.end()):
        return nested_comment_end(text, opening.end())
    return past("*/", text, opening.end())
