"""Passwords taken out of messages."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sqlx.config.grammar import encode
from sqlx.config.url import parse_url, redact

TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


@pytest.mark.parametrize(
    ("password", "message", "expected"),
    [
        ("S3cret", "password S3cret, twice: S3cret", "password ***, twice: ***"),
        ("S3 cret", "bad URI: postgres://u:S3%20cret@h", "bad URI: postgres://u:***@h"),
        ("p@ss/word", 'invalid port "word"', 'invalid port "***"'),
        ("p@ss/word", "host ss", "host ss"),
        ("é/é", "postgres://u:%c3%a9%2f%c3%a9@h", "postgres://u:***@h"),
        ("it's", r"password='it\'s'", "password='***'"),
        ("new\nline", r"'new\nline'", "'***'"),
        ("abcd:abcdefgh", "abcdefgh abcd", "*** ***"),
        ("a*b", "an a*b c", "an  c"),
    ],
)
def test_forms_and_pieces(password: str, message: str, expected: str) -> None:
    """A password goes as it is, encoded, quoted, and piece by telling piece."""
    for scheme in ("postgres", "mysql"):
        url = parse_url(f"{scheme}://u:{encode(password)}@h", {})
        assert redact(message, url) == expected


def test_every_secret_goes() -> None:
    """What the query and PGPASSWORD hold is a password too, as written and as meant."""
    url = parse_url(
        "postgres://u:One1@h?p%61ssword=Two2+x&sslpassword=Three3",
        {"PGPASSWORD": "Four4"},
    )
    message = "One1 Two2+x Two2 x Three3 Four4"
    assert redact(message, url) == "*** *** *** *** ***"


def test_a_url_without_a_password_changes_nothing() -> None:
    """There is nothing to take out."""
    for url in ("postgres://u@h", "mysql://u@h", "sqlite:x.db", "embedded:x"):
        assert redact("u@h x.db", parse_url(url, {})) == "u@h x.db"


@given(TEXTS, TEXTS, TEXTS)
@example("*", "*", "*")
@example("a*", "a", "*")
@example("*a*", "*a", "a*")
def test_no_message_keeps_a_password(password: str, before: str, after: str) -> None:
    """Whatever the password and the message, the one is not in the other any more."""
    assume(password)
    url = parse_url(f"postgres://u:{encode(password)}@h", {})
    assert password not in redact(f"{before}{password}{after}", url)
