"""What can be stored: our word on it is the database's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smally.auth.faults import fault_of_email, fault_of_name, fault_of_tier

if TYPE_CHECKING:
    from service import Connection

ODD = st.text(st.sampled_from(" @ab%_'\"ß\N{NO-BREAK SPACE}\t"), max_size=6)
LONG = st.integers(316, 324).map(lambda length: "a" * (length - 2) + "@b")
CHECKED = (
    "SELECT %(email)s LIKE '_%%@%%_' AND %(email)s = btrim(%(email)s)"
    " AND length(%(email)s) <= 320"
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=30,
)
@given(emails=st.lists(ODD | LONG, min_size=20, max_size=40))
def test_an_email_without_fault_is_one_that_the_schema_takes(
    db: Connection, emails: list[str]
) -> None:
    """users_email_check and `fault_of_email` agree on all that can be seen."""
    for email in emails:
        row = db.execute(CHECKED, {"email": email}).fetchone()
        assert row is not None
        assert (fault_of_email(email) is None) == (row[0] and email.isprintable())


@pytest.mark.parametrize(
    ("email", "fault"),
    [
        ("ada", "needs an @ with something on both sides"),
        ("@b", "needs an @ with something on both sides"),
        ("a@", "needs an @ with something on both sides"),
        ("", "needs an @ with something on both sides"),
        (" a@b", "begins or ends with a blank"),
        ("a@b ", "begins or ends with a blank"),
        ("a" * 319 + "@b", "has more than 320 characters"),
        ("a\0b@c", "has a character that cannot be seen"),
        ("a\nb@c", "has a character that cannot be seen"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b@c", "has a character that cannot be seen"),
        ("a\udcffb@c", "has a character that cannot be seen"),
        ('"a b"@c', None),
        ("-o'hara+x@bücher.example", None),
    ],
)
def test_what_is_wrong_with_an_email(email: str, fault: str | None) -> None:
    """Each fault has its words."""
    assert fault_of_email(email) == fault


def test_what_is_wrong_with_a_name_or_a_tier() -> None:
    """A name has 1 to 100 characters that can be seen; the tiers are listed."""
    assert fault_of_name("") == fault_of_name("a" * 101) == "needs 1 to 100 characters"
    assert fault_of_name("a\tb") == "has a character that cannot be seen"
    assert fault_of_name("a") is fault_of_name("ü" * 100) is None
    assert fault_of_tier("gold") == "is none of free, pro, scale"
    assert fault_of_tier("scale") is None
