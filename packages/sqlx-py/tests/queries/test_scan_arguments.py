"""Whose type is evident, of the arguments that a query is called with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlx.queries.collecting.drafts import Argument
from sqlx.queries.collecting.evidence import Evidence, Means
from sqlx.queries.sites import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.collecting.scan import Scanned

    Scan = Callable[[str], Scanned]

MODULE = """
import datetime, sqlx, typing
from typing import Final, cast
from uuid import UUID, uuid4
LIMIT = 10
TYPED: "Decimal" = make()
PLAIN: Final = 1.5
CHANGED = 1
CHANGED = "x"
ME = ME
class Holder:
    field: int
    def method(self, user: User, bare, *rest, age: int = 3, **more):
        import decimal
        from app import Money as M
        local: str = bare
        key = uuid4()
        copied = user
        twice = 1
        twice = 2
        amount: M = bare
        class Inner: ...
        strange: Inner = bare
        def set_it():
            nonlocal key_of_inner
            key_of_inner = 1
        key_of_inner = "x"
        return sqlx.query("", {argument})
    @staticmethod
    def still(x):
        return sqlx.query("", x)
"""


def a_type(text: str) -> Evidence:
    """Write the evidence of an annotation."""
    return Evidence(Means.ANNOTATION, text)


def call(text: str, *imports: str) -> Evidence:
    """Write the evidence of a call."""
    return Evidence(Means.CALL, text, imports=imports)


def attribute(text: str, base: Evidence) -> Evidence:
    """Write the evidence of an attribute."""
    return Evidence(Means.ATTRIBUTE, text, base=base)


@pytest.mark.parametrize(
    ("argument", "evidence"),
    [
        ("1", a_type("int")),
        ("-1.5", a_type("float")),
        ("'x'", a_type("str")),
        ("f'{x}'", a_type("str")),
        ("b'x'", a_type("bytes")),
        ("True", a_type("bool")),
        ("not bare", a_type("bool")),
        ("None", a_type("None")),
        ("...", None),
        ("1j", None),
        ("-bare", None),
        ("[1, -2]", a_type("list[int]")),
        ("[1, 'x']", None),
        ("[]", None),
        ("[uuid4()]", None),
        ("user", a_type("User")),
        ("copied", a_type("User")),
        ("user.id", attribute("id", a_type("User"))),
        ("user.team.id", attribute("id", attribute("team", a_type("User")))),
        ("self.field", attribute("field", a_type("Holder"))),
        ("user.id if user else None", attribute("id", a_type("User"))),
        ("1 if user else 'x'", None),
        ("bare", None),
        ("bare.id", None),
        ("rest", None),
        ("more", None),
        ("unknown", None),
        ("age", a_type("int")),
        ("local", a_type("str")),
        ("twice", None),
        ("key_of_inner", None),
        ("strange", None),
        ("key", call("uuid4")),
        ("LIMIT", a_type("int")),
        ("TYPED", a_type("Decimal")),
        ("PLAIN", a_type("float")),
        ("CHANGED", None),
        ("ME", None),
        ("UUID('x')", call("UUID")),
        ("datetime.datetime.now()", call("datetime.datetime.now")),
        ("decimal.Decimal(1)", call("decimal.Decimal", "import decimal")),
        ("bare()", None),
        ("user.method()", None),
        ("(lambda: 1)()", None),
        ("Inner()", None),
        ("Tier.FREE", Evidence(Means.MEMBER, "Tier.FREE")),
        ("Tier.FREE.value", Evidence(Means.MEMBER, "Tier.FREE.value")),
        ("user['id']", None),
        ("await user", None),
        ("[bare for bare in x]", None),
        (
            "amount",
            Evidence(Means.ANNOTATION, "M", imports=("from app import Money as M",)),
        ),
    ],
)
def test_an_argument_shows_its_type_or_not(
    scanned: Scan, argument: str, evidence: Evidence | None
) -> None:
    """What the tree shows is evidence; nothing is guessed."""
    draft = scanned(MODULE.replace("{argument}", argument)).drafts[0]
    assert draft.arguments == (Argument(argument, Place("app.py", 27, 31), evidence),)


def test_the_first_parameter_of_a_static_method_is_no_self(scanned: Scan) -> None:
    """It could be anything."""
    draft = scanned(MODULE).drafts[1]
    assert draft.arguments == (Argument("x", Place("app.py", 30, 31), None),)


@pytest.mark.parametrize("cast", ["cast", "typing.cast"])
@pytest.mark.parametrize("written", ["int", "'int'"])
def test_a_cast_is_the_users_own_word(scanned: Scan, cast: str, written: str) -> None:
    """Its class is known, and not compared."""
    argument = f"{cast}({written}, bare)"
    draft = scanned(MODULE.replace("{argument}", argument)).drafts[0]
    place = Place("app.py", 27, 31)
    assert draft.arguments == (Argument(argument, place, a_type("int"), checked=False),)


def test_a_name_that_was_cast_has_that_type(scanned: Scan) -> None:
    """From there on type checkers know it, too; a local class nobody else can."""
    (draft,) = scanned(
        """
        import sqlx
        from typing import cast
        def f(x):
            class Local: ...
            y = cast("int", x)
            z = cast(Local, x)
            sqlx.query("", y, z)
        """
    ).drafts
    assert [a.evidence for a in draft.arguments or ()] == [a_type("int"), None]


def test_an_argument_on_several_lines_is_named_on_one(scanned: Scan) -> None:
    """Messages have one line."""
    (draft,) = scanned("import sqlx\nsqlx.query('', f(\n  1,\n  2))").drafts
    assert draft.arguments == (Argument("f(1, 2)", Place("app.py", 2, 16), call("f")),)


def test_starred_arguments_hide_how_many_there_are(scanned: Scan) -> None:
    """Then not even their number can be checked."""
    (draft,) = scanned("import sqlx\nsqlx.query('', 1, *values)").drafts
    assert draft.arguments is None


def test_the_words_may_be_given_by_name(scanned: Scan) -> None:
    """`sql=` is what stands first."""
    (draft,) = scanned("import sqlx\nsqlx.query(sql='x')").drafts
    assert draft.text is not None
    assert (draft.text.sql, draft.arguments) == ("x", ())


@pytest.mark.parametrize(
    ("chained", "connection"),
    [
        (".one(db)", a_type("Connection")),
        (".one(pool.get())", None),
        (".one()", None),
        (".one", None),
        ("", None),
    ],
)
def test_the_connection_is_what_the_method_gets(
    scanned: Scan, chained: str, connection: Evidence | None
) -> None:
    """Where its type is evident, it tells the kind of database."""
    (draft,) = scanned(
        f"import sqlx\ndef f(db: Connection, pool):\n    sqlx.query(''){chained}"
    ).drafts
    assert draft.connection == connection
