r"""SQL in literals of every spelling: its text, and the place of each character."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sqlx.queries.collecting.literals import sql_text
from sqlx.queries.collecting.source import Source, parse_source
from sqlx.queries.sites import Place, SqlText

if TYPE_CHECKING:
    from collections.abc import Sequence

ESCAPES = {
    "\\n": "\n",
    "\\\\": "\\",
    "\\'": "'",
    '\\"': '"',
    "\\t": "\t",
    "\\x41": "A",
    "\\101": "A",
    "\\7": "\a",
    "\\u00e9": "é",
    "\\U0001f600": "😀",
    "\\N{EM DASH}": "—",
    "\\\n": "",
}
PLAIN = "a $9;é😀\t—x"  # An octal digit after "\\7" would belong to it.
JOINERS = (" ", "\n", "\n    ", "  # 'no' \"literal\"\n", " \\\n ", "\t", "")


@dataclass(frozen=True)
class Part:
    """One literal as it is written: prefix, quote, and pieces, escapes among them."""

    prefix: str
    quote: str
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """What stands in the file."""
        return f"{self.prefix}{self.quote}{''.join(self.pieces)}{self.quote}"


@st.composite
def parts(draw: st.DrawFn) -> Part:
    """Write a literal that Python takes."""
    prefix = draw(st.sampled_from(("", "r", "R", "u")))
    quote = draw(st.sampled_from(("'", '"', "'''", '"""')))
    plain = PLAIN + ("\n" if len(quote) > 1 else "") + ("'" if quote[0] == '"' else '"')
    escapes = ("\\d", "\\ ") if prefix in {"r", "R"} else (*ESCAPES, "\\d")
    if prefix in {"r", "R"} and len(quote) == 1:
        plain = plain.replace("\n", "")
    pieces = draw(st.lists(st.sampled_from((*plain, *escapes)), max_size=8))
    return Part(prefix, quote, tuple(pieces))


def read(text: str) -> tuple[Source, ast.expr, SqlText]:
    """Read the literals after `sql = `."""
    source = parse_source(text, "/project/app.py", "app.py")
    assert isinstance(source, Source)
    statement = source.tree.body[-1]
    assert isinstance(statement, ast.Assign)
    found: list[ast.Constant] = []
    stack = [statement.value]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.BinOp):
            stack += [node.right, node.left]
        else:
            assert isinstance(node, ast.Constant)
            found.append(node)
    return source, statement.value, sql_text(source, found)


def evaluated(expression: ast.expr) -> str:
    """Join literals as Python does."""
    if isinstance(expression, ast.BinOp):
        return evaluated(expression.left) + evaluated(expression.right)
    value = ast.literal_eval(expression)
    assert isinstance(value, str)
    return value


def expected(written: Sequence[Part]) -> list[tuple[str, bool]]:
    """List the characters of the SQL, and whether each stands in the file as it is."""
    found: list[tuple[str, bool]] = []
    for part in written:
        is_raw = part.prefix in {"r", "R"}
        for piece in part.pieces:
            if len(piece) == 1 or is_raw or piece == "\\d":
                found += [(char, True) for char in piece]
            else:
                found += [(char, False) for char in ESCAPES[piece]]
    return found


@example(written=[Part("", "'", ()), Part("", "'", ())], between=["", ""], crlf=False)
@given(
    written=st.lists(parts(), min_size=1, max_size=4),
    between=st.lists(st.sampled_from((*JOINERS, " + ")), min_size=4, max_size=4),
    crlf=st.booleans(),
)
def test_every_character_is_found_at_its_place(
    written: list[Part], between: list[str], *, crlf: bool
) -> None:
    """The text is what Python makes of it; what is no escape stands where we say."""
    pieces = [written[0].text]
    for joiner, part in zip(between, written[1:], strict=False):
        # Two literals that touch may read as one that is triple-quoted.
        pieces += [joiner or " ", part.text]
    text = f"é = 1; sql = ({''.join(pieces)})"
    source, expression, read_text = read(text.replace("\n", "\r\n") if crlf else text)
    characters = expected(written)
    assert read_text.sql == evaluated(expression)
    assert read_text.sql == "".join(char for char, _ in characters)
    for offset, (char, is_plain) in enumerate(characters):
        place = read_text.place(offset)
        line = f"{source.lines[place.line - 1]}\n"
        assert line[place.column - 1] == (char if is_plain else "\\")


def test_starts_are_sorted_and_begin_at_zero() -> None:
    """A run begins at an escape, behind it, and at each literal that is joined."""
    _, _, text = read('sql = ("a\\tb" \'c\'\n       r"""\\t\nd""")')
    assert text.sql == "a\tbc\\t\nd"
    assert text.starts == (
        (0, 1, 9),
        (1, 1, 10),
        (2, 1, 12),
        (3, 1, 16),
        (4, 2, 12),
    )
    assert text.place(7) == Place("app.py", 3, 1)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("sql = 'abc'", Place("app.py", 1, 11)),
        ("sql = 'abc\\n'", Place("app.py", 1, 13)),
        ("sql = '''abc\n'''", Place("app.py", 2, 1)),
        ("sql = 'abc' ''", Place("app.py", 1, 14)),
        ("sql = ''", Place("app.py", 1, 8)),
    ],
)
def test_the_end_of_the_sql_has_a_place(written: str, place: Place) -> None:
    """The server may stop behind the last character: that is at the closing quote."""
    _, _, text = read(written)
    assert text.place(len(text.sql)) == place


def test_a_form_feed_and_a_tab_are_one_character_each() -> None:
    """Columns count characters, and not what a screen makes of them."""
    _, _, text = read("if 1:\n\tpass\n\f\nsql =\t'\tx'")
    assert text.starts == ((0, 4, 8),)
    assert text.place(1) == Place("app.py", 4, 9)
