"""What is said of the engine's news while a command works."""

from __future__ import annotations

import io
from typing import Any

import pytest

from sqlx.cli.output import Output
from sqlx.cli.telling import Telling
from sqlx.engine.news import (
    Change,
    Outcome,
    Report,
    Retrying,
    Starting,
    WaitingForDatabase,
    WaitingForLock,
)
from sqlx.migrations.migration import Kind, Migration, SourceWarning

FILE: dict[str, Any] = {"sql": "", "checksum": b""}
A = Migration(1, "a", Kind.SIMPLE, path="m/1_a.sql", no_transaction=False, **FILE)
B = Migration(2, "b", Kind.UP, path="m/2_b.up.sql", no_transaction=True, **FILE)
DOWN = Migration(2, "b", Kind.DOWN, path="m/2_b.down.sql", no_transaction=False, **FILE)
WARNING = SourceWarning("code", "m/1_a.sql", "is odd", 3)


class Listener:
    """A telling whose two streams can be read."""

    def __init__(self, *, lines: bool = True) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.telling = Telling(Output(self.out, self.err, {}), lines)

    def written(self) -> tuple[str, str]:
        """Return what went to stdout and to stderr."""
        return self.out.getvalue(), self.err.getvalue()


def test_a_change_is_a_line_and_the_rest_goes_to_stderr() -> None:
    """Only SQLx's lines stand on stdout."""
    listener = Listener()
    for news in (
        WARNING,
        WaitingForDatabase("Connection refused", 3.0),
        WaitingForLock("pid 7", 12.0),
        Starting((A,)),
        Retrying(A, "lock timeout", 2, 100),
        Change(A, Outcome.APPLIED, 1500),
    ):
        listener.telling.hear(news)
    out, err = listener.written()
    assert out == "Applied 1/migrate a (1.5µs)\n"
    assert err.splitlines() == [
        "warning: m/1_a.sql:3: is odd",
        str(WaitingForDatabase("Connection refused", 3.0)),
        "waiting for the migration lock held by pid 7 (12 s so far)",
        str(Retrying(A, "lock timeout", 2, 100)),
    ]


def test_without_lines_changes_are_only_remembered() -> None:
    """A document follows, which will hold them."""
    listener = Listener(lines=False)
    listener.telling.hear(Change(A, Outcome.APPLIED))
    assert listener.written() == ("", "")
    assert listener.telling.changes == [Change(A, Outcome.APPLIED)]


def test_what_a_report_holds_and_nobody_told_is_told_last() -> None:
    """A dry run tells nothing while it works; what was told is not told again."""
    listener = Listener()
    listener.telling.hear(Change(A, Outcome.APPLIED))
    listener.telling.hear(WARNING)
    changes = (Change(A, Outcome.APPLIED), Change(B, Outcome.SKIPPED))
    other = SourceWarning("code", "m/2_b.up.sql", "is odd too")
    listener.telling.finish(Report(changes, warnings=(WARNING, other)))
    assert listener.written() == (
        "Applied 1/migrate a (0ns)\nSkipped 2/migrate b (0ns)\n",
        "warning: m/1_a.sql:3: is odd\nwarning: m/2_b.up.sql: is odd too\n",
    )


@pytest.mark.parametrize(
    ("migrations", "expected"),
    [
        ((A,), "applying 1/a"),
        ((A, B), "applying 1/a and 1 more"),
        ((DOWN,), "reverting 2/b"),
    ],
)
def test_what_is_under_way_has_a_name(
    monkeypatch: pytest.MonkeyPatch, migrations: tuple[Migration, ...], expected: str
) -> None:
    """The line that shows it is alive names the file, or the first of a message."""
    listener = Listener()
    said: list[str] = []
    monkeypatch.setattr(listener.telling.output.status, "begin", said.append)
    listener.telling.hear(Starting(migrations))
    assert said == [expected]
