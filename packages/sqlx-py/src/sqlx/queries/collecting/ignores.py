"""The comments that silence one finding on one query: `sqlx: ignore[code]`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlx.queries.sites import Finding, Ignore, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlx.queries.collecting.drafts import Draft
    from sqlx.queries.collecting.source import Source
    from sqlx.queries.sites import SqlText

__all__ = ["give_ignores"]

_IGNORE = r"sqlx:\s*ignore\b(?:\[([^\]\n]*)\])?"
_IN_PYTHON = re.compile(rf"#\s*{_IGNORE}")
_IN_SQL = re.compile(rf"--[ \t]*{_IGNORE}")
_WORD = re.compile(r"[^\s,]+")


def give_ignores(
    source: Source, drafts: list[Draft]
) -> tuple[list[Draft], list[Finding]]:
    """Give each comment to the query that it stands at, in Python or in SQL.

    Returns:
        The queries, and what is to be said of comments that belong to none.
    """
    given: list[list[Ignore]] = [[] for _ in drafts]
    findings = []
    for ignore in _in_python(source):
        owner = _owner(drafts, ignore.place.line)
        if not ignore.code:
            findings.append(_names_nothing(ignore.place))
        elif owner is None:
            message = "this comment stands at no query; take it out"
            findings.append(_unused(ignore.place, message))
        else:
            given[owner].append(ignore)
    for index, draft in enumerate(drafts):
        for ignore in _in_sql(draft.text):
            if ignore.code:
                given[index].append(ignore)
            else:
                findings.append(_names_nothing(ignore.place))
    pairs = zip(drafts, given, strict=True)
    return [replace(draft, ignores=tuple(own)) for draft, own in pairs], findings


def _names_nothing(place: Place) -> Finding:
    return _unused(place, "this comment names no code; write `sqlx: ignore[code]`")


def _unused(place: Place, message: str) -> Finding:
    where = place.line, place.column
    return Finding(place.path, Severity.WARNING, "unused-ignore", message, *where)


def _in_python(source: Source) -> Iterator[Ignore]:
    if not _IN_PYTHON.search(source.text):
        return  # Python's tokenizer takes longer than all else here.
    for text, line, column in source.comments():
        for comment in _IN_PYTHON.finditer(text):
            for code, offset in _codes(comment):
                yield Ignore(code, Place(source.path, line, column + offset))


def _in_sql(text: SqlText | None) -> Iterator[Ignore]:
    if text is not None:
        for comment in _IN_SQL.finditer(text.sql):
            for code, offset in _codes(comment):
                yield Ignore(code, text.place(offset))


def _codes(comment: re.Match[str]) -> Iterator[tuple[str, int]]:
    """List the codes of a comment and their offsets; one that is empty for none."""
    words = list(_WORD.finditer(comment[1] or ""))
    if not words:
        yield "", comment.start()
    for word in words:
        yield word[0], comment.start(1) + word.start()


def _owner(drafts: list[Draft], line: int) -> int | None:
    """Find the query on whose lines a comment stands: the shortest of several."""
    around = [
        (draft.lines[1] - draft.lines[0], index)
        for index, draft in enumerate(drafts)
        if draft.lines[0] <= line <= draft.lines[1]
    ]
    return min(around)[1] if around else None
