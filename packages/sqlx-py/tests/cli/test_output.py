"""Lines, colours and times, as SQLx's command writes them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from sqlx.cli.output import Output, duration
from sqlx.engine.news import Change, InfoRow, Outcome, State
from sqlx.migrations.migration import Kind, Migration

FILE: dict[str, Any] = {"sql": "", "checksum": b"", "no_transaction": False}
UP = Migration(3, "add user", Kind.UP, path="3_add_user.up.sql", **FILE)
DOWN = Migration(3, "add user", Kind.DOWN, path="3_add_user.down.sql", **FILE)
COLOURS = {"CLICOLOR_FORCE": "1"}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def written(stream: io.StringIO, environ: dict[str, str]) -> str:
    """Write one line of each kind, and return what went to stdout."""
    output = Output(stream, io.StringIO(), environ)
    output.creating("migrations/1_a.sql")
    output.change(Change(UP, Outcome.APPLIED, 917_872))
    output.change(Change(DOWN, Outcome.CAN_APPLY))
    output.info(InfoRow(1, "a", State.PENDING, "p", b"\1"))
    output.info(InfoRow(1, "a", State.INSTALLED, "p", b"\1", b"\1"))
    output.info(InfoRow(1, "a", State.DIRTY, "p", b"\1", b"\1"))
    output.info(InfoRow(1, "a", State.CHANGED, "p", b"\1", b"\2"))
    return stream.getvalue()


PLAIN = """\
Creating migrations/1_a.sql
Applied 3/migrate add user (917.872µs)
Can apply 3/revert add user (0ns)
1/pending a
1/installed a
1/installed a
1/installed (different checksum) a
applied migration had checksum 02
local migration has checksum 01
"""
PAINTED = """\
Creating \033[36mmigrations/1_a.sql\033[0m
Applied \033[36m3\033[0m/\033[32mmigrate\033[0m add user \033[2m(917.872µs)\033[0m
Can apply \033[36m3\033[0m/\033[32mrevert\033[0m add user \033[2m(0ns)\033[0m
\033[36m1\033[0m/\033[33mpending\033[0m a
\033[36m1\033[0m/\033[32minstalled\033[0m a
\033[36m1\033[0m/\033[32minstalled\033[0m a
\033[36m1\033[0m/\033[31minstalled (different checksum)\033[0m a
applied migration had checksum 02
local migration has checksum 01
"""


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (io.StringIO(), {}, PLAIN),
        (io.StringIO(), {"TERM": "xterm"}, PLAIN),
        (io.StringIO(), {"CLICOLOR_FORCE": "0"}, PLAIN),
        (io.StringIO(), COLOURS, PAINTED),
        (io.StringIO(), COLOURS | {"NO_COLOR": "1"}, PAINTED),
        (Terminal(), {"TERM": "xterm"}, PAINTED),
        (Terminal(), {}, PLAIN),
        (Terminal(), {"TERM": "dumb"}, PLAIN),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, PLAIN),
        (Terminal(), {"TERM": "xterm", "CLICOLOR": "0"}, PLAIN),
    ],
)
def test_lines_and_colours_are_those_of_sqlx(
    stream: io.StringIO, environ: dict[str, str], expected: str
) -> None:
    """Only SQLx's parts of a line are coloured, and only when SQLx would."""
    assert written(stream, environ) == expected


def test_errors_and_warnings_are_coloured_as_stderr_says() -> None:
    """An error's first word is bold red on a terminal, whatever stdout is."""
    stderr = Terminal()
    output = Output(io.StringIO(), stderr, {"TERM": "xterm"})
    output.error("no")
    output.warning("hm")
    output.ask("sqlite:x.db")
    assert stderr.getvalue() == (
        "\033[31m\033[1merror:\033[0m no\n"
        "\033[33mwarning:\033[0m hm\n"
        "Drop database at \033[36msqlite:x.db\033[0m? [y/N] "
    )


@pytest.mark.parametrize(
    ("elapsed_ns", "expected"),
    [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1µs"),
        (1_500, "1.5µs"),
        (917_872, "917.872µs"),
        (3_200_000, "3.2ms"),
        (32_517_835, "32.517835ms"),
        (100_000_000, "100ms"),
        (999_999_999, "999.999999ms"),
        (1_000_000_000, "1s"),
        (1_000_000_001, "1.000000001s"),
        (61_000_000_000, "61s"),
        (100_000_000_000, "100s"),
        (1_234_567_890_123, "1234.567890123s"),
    ],
)
def test_a_time_is_written_as_rust_writes_it(elapsed_ns: int, expected: str) -> None:
    """`Duration`'s debug form: one unit, an exact fraction without zeros at its end."""
    assert duration(elapsed_ns) == expected
