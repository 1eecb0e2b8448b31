r"""`.env` files: what dotenvy makes of them is what we make of them.

The cases and their values were printed by dotenvy 0.15.7.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlx.config.dotenv import Dotenv, find_dotenv, load_dotenv, parse_dotenv

ENVIRON = {"HOME": "/home/me", "EMPTY": ""}

NAME_EXPECTED = (
    "expected a name, of A-Z, a-z, 0-9, `_` and `.` and not beginning with a digit or "
    "`.`; a line is NAME=value, a comment begins with `#`"
)
EQUALS_EXPECTED = "expected `=`; a line is NAME=value"
QUOTES_NEEDED = 'a value with white space in it needs quotes: NAME="two words"'
NOT_CLOSED = 'a quote or a `${` is not closed; for "$NAME" write "${NAME}"'
ENDS_EARLY = (
    "the file ends in a quote that is not closed, or in white space; "
    "close the quote, or end the last line with a line break"
)
ESCAPE = (
    r"an escape is one of \\ \' \" \$ \n or a backslash before a space; "
    r"write a backslash as \\, or the value in '…'"
)
NOT_UTF_8 = "stream did not contain valid UTF-8; save the file as UTF-8"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("\n \n\t# A=1\n#\n", {}),
        ("\ufeffA=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=\nB=   \nC=   # c\nD=#x\n", {"A": "", "B": "", "C": "", "D": ""}),
        ("  A =1\nB\t= 2\n", {"A": "1", "B": "2"}),
        ("_a.1=x", {"_a.1": "x"}),
        ("export A=1\nexport\tB=2\nexport=3", {"A": "1", "B": "2", "export": "3"}),
        ("A=a#b\nB=a #b 'c\nC=a\t# \"c\n", {"A": "a#b", "B": "a", "C": "a"}),
        ("A=1 \nB=2\t\n", {"A": "1", "B": "2"}),
        ("A='fo ur'\nB=\"fi ve\"\nC=s\\ ix", {"A": "fo ur", "B": "fi ve", "C": "s ix"}),
        ("A=a'b c'\"d e\"f", {"A": "ab cd ef"}),
        ("A=\"it's\"\nB='\"'", {"A": "it's", "B": '"'}),
        (r'''A="\n\$\"\\\'\ "''', {"A": "\n$\"\\' "}),
        (r"A=\n\$\"\\\'", {"A": "\n$\"\\'"}),
        (r"A='\n${HOME}'", {"A": r"\n${HOME}"}),
        ("A=x\\\nB=1\n", {"A": "x", "B": "1"}),
        ("A=\"x\n#y\n\"\nB='\n'\n", {"A": "x\n#y\n", "B": "\n"}),
        (r"A='a\''b\'", {"A": "a\\b\\"}),
        ("A=$HOME'x \t#y'", {"A": "/home/me'x"}),
        ("A=${$}x$$HOME", {"A": "x/home/me"}),
        (
            "A=$HOME\nB=${HOME}_x\nC=$HOME_x",
            {"A": "/home/me", "B": "/home/me_x", "C": "/home/me_x"},
        ),
        ('A="${HOME}"\nB=$HOME-$HOME', {"A": "/home/me", "B": "/home/me-/home/me"}),
        ("A=$HOME x\nB=$HOME\\x", {"A": "/home/me x", "B": "/home/me\\x"}),
        ("A=$\nB=x${}y\nC=$NO$NONE.", {"A": "", "B": "xy", "C": "."}),
        ("A=1\nB=$A\nA=2\nC=$A", {"A": "1", "B": "1", "C": "1"}),
        ("HOME=/x\nA=$HOME\nEMPTY=y", {"A": "/home/me"}),
        ("A=\u00a0x\u00a0y\u2003\n", {"A": "x\u00a0y"}),
        ("A=x\x1c\n", {"A": "x\x1c"}),
    ],
)
def test_values(text: str, values: dict[str, str]) -> None:
    """Names, values, quotes, escapes and substitutions are read as dotenvy does."""
    assert parse_dotenv(text, ENVIRON) == Dotenv(values)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("9A=1\nY=2", "2:1", NAME_EXPECTED),
        ("\n  -=1", "3:3", NAME_EXPECTED),
        ("É=1", "2:1", NAME_EXPECTED),
        ("export 9=1", "2:8", NAME_EXPECTED),
        ("A", "2:2", EQUALS_EXPECTED),
        ("A B=1", "2:3", EQUALS_EXPECTED),
        ("A-B=1", "2:2", EQUALS_EXPECTED),
        ("export A", "2:9", EQUALS_EXPECTED),
        ("A=a b\nY=2", "2:5", QUOTES_NEEDED),
        ("A='x\ny' z", "3:4", QUOTES_NEEDED),
        (r"A=\t", "2:4", ESCAPE),
        ('A="x\ny\\z"', "3:3", ESCAPE),
        ('A="$HOME"', "2:9", NOT_CLOSED),
        ("A=${HOME", "2:8", NOT_CLOSED),
        ("A=$A'b c'", "2:8", QUOTES_NEEDED),
        (r"A='x\'y'", "2:8", NOT_CLOSED),
        ('A="x\nB=1\n', "2:1", ENDS_EARLY),
        ("A='x", "2:1", ENDS_EARLY),
        ("A=1 ", "2:1", ENDS_EARLY),
        ("A=x\\", "2:1", ENDS_EARLY),
        ("# 'x\nB='\udcff'", "3:4", NOT_UTF_8),
        ("A=x\0y", "2:3", "a value holds a NUL character; remove it"),
    ],
)
def test_a_mistake_has_a_place_and_a_mend(text: str, place: str, reason: str) -> None:
    """Reading ends at a mistake, and what was read before it stays."""
    found = parse_dotenv(f"Z=1\n{text}", ENVIRON, "dir/.env")
    error = f"error loading `.env` file: dir/.env:{place}: {reason}"
    assert found == Dotenv({"Z": "1"}, error)


def test_no_value_is_shown() -> None:
    """Values may be passwords: neither a repr nor an error has them."""
    found = parse_dotenv("DATABASE_URL=postgres://u:S3cr3t@h\nB=S3cr3t S3cr3t", {})
    assert found.values == {"DATABASE_URL": "postgres://u:S3cr3t@h"}
    assert "S3cr3t" not in repr(found)


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    """The directory itself comes first, then those that hold it; files only."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".env").write_text("A=1")
    (inner / ".env").mkdir()
    assert find_dotenv(str(inner)) == str(tmp_path / ".env")
    (inner.parent / ".env").symlink_to(tmp_path / ".env")
    assert find_dotenv(str(inner)) == str(inner.parent / ".env")
    assert load_dotenv(str(inner), {}) == Dotenv({"A": "1"})


def test_there_may_be_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search ends at the root; a machine without a `.env` there has none."""
    monkeypatch.chdir("/proc")  # A file system on which nobody can put a file.
    expected = "/.env" if Path("/.env").is_file() else None
    assert find_dotenv(".") == expected
    assert (load_dotenv(".", {}) == Dotenv({})) == (expected is None)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is an error that is told, not raised."""
    path = tmp_path / ".env"
    path.symlink_to(".env")
    assert load_dotenv(str(tmp_path), {}) == Dotenv(
        {},
        f"error loading `.env` file: {path}: Too many levels of symbolic links",
    )


def test_a_file_is_read_as_bytes(tmp_path: Path) -> None:
    """Line breaks stay as they are, and lines before other bytes take effect."""
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfA='x\r\ny'\r\nB=\xff\nC=1\n")
    assert load_dotenv(str(tmp_path), {}) == Dotenv(
        {"A": "x\r\ny"}, f"error loading `.env` file: {path}:3:3: {NOT_UTF_8}"
    )
