"""A query in source against what the database says of it: whole findings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple, NotRequired, TypedDict

import pytest

from sqlx.queries.annotations import Annotation, Form, Returns, Shape
from sqlx.queries.checking.check import PIPES, check, compare, refused, silence
from sqlx.queries.reading import read
from sqlx.queries.returns import returns_of
from sqlx.queries.sites import (
    Finding,
    Ignore,
    Parameter,
    Place,
    Severity,
    Site,
    SqlText,
)
from sqlx.queries.values import (
    Column,
    Database,
    Description,
    Kind,
    Nullability,
    Origin,
    Refusal,
    TypeInfo,
)

SQL = "SELECT 1"
TEXT = SqlText(SQL, "app.py", ((0, 1, 13),))
PARAMETER = Place("app.py", 2, 31)
RETURN = Place("app.py", 2, 44)
NAME = Place("app.py", 2, 5)
IGNORE = Place("app.py", 1, 30)
ORIGIN = Origin("post", "title")
NEVER = Nullability(may_be_null=False)
OUTER = Nullability(may_be_null=True, reason="outer join")


@dataclass
class UserPost:
    """A row."""

    id: int
    title: str


class Partial(TypedDict):
    """A row with a column that need not be there."""

    id: int
    title: NotRequired[str]


class Empty(NamedTuple):
    """A row without columns."""


class Plain:
    """A class with no fields that anybody knows."""


def site(
    returns: object = None,
    parameters: tuple[object, ...] | None = (),
    *,
    name: str = "posts",
    ignores: tuple[str, ...] = (),
) -> Site:
    """Write a site; what is returned is an annotation or the value itself."""
    if not isinstance(returns, Returns):
        returns = returns_of(read(returns), is_async=False)
    given = None
    if parameters is not None:
        given = tuple(Parameter("it", read(each), PARAMETER) for each in parameters)
    comments = tuple(Ignore(code, IGNORE) for code in ignores)
    return Site(name, TEXT, NAME, returns, RETURN, given, None, comments)


def column(
    name: str,
    word: str | TypeInfo,
    nullable: bool | None = False,  # noqa: FBT001, FBT002 -- as in the dataclass.
    proof: Nullability | None = None,
) -> Column:
    """Write a column; it is never NULL unless told."""
    info = TypeInfo(word) if isinstance(word, str) else word
    return Column(name, info, ORIGIN, nullable, proof)


def described(
    *columns: Column,
    parameters: tuple[str, ...] | int = (),
    database: Database = Database.POSTGRES,
) -> Description:
    """Write a description."""
    known: Any = parameters
    if isinstance(parameters, tuple):
        known = tuple(TypeInfo(word) for word in parameters)
    return Description(database, SQL, columns, known)


ID, TITLE = column("id", "Int8"), column("title", "Text")


def said(returns: object, description: Description) -> list[str]:
    """Check what is returned; every finding is an error at the return annotation."""
    found = check(site(returns), description)
    assert {(f.severity, f.line, f.column) for f in found} <= {
        (Severity.ERROR, RETURN.line, RETURN.column)
    }
    return [f"{f.message} [{f.code}]" for f in found]


def said_of_parameters(
    parameters: tuple[object, ...], description: Description, name: str = "posts"
) -> list[str]:
    """Check what is given; every finding is an error at the parameter."""
    found = check(site(None, parameters, name=name), description)
    assert {(f.severity, f.line, f.column) for f in found} <= {
        (Severity.ERROR, PARAMETER.line, PARAMETER.column)
    }
    return [f"{f.message} [{f.code}]" for f in found]


def test_a_refusal_is_found_at_its_place_in_the_literal() -> None:
    """With the server's code and hint, the line of SQL, and a caret."""
    sql = "\n    SELECT id\n    WHERE u.emial = $1\n"
    refusal = Refusal(
        sql,
        "column u.emial does not exist",
        offset=sql.index("u.emial"),
        sqlstate="42703",
        hint='Perhaps you meant to reference the column "u.email".',
    )
    text = SqlText(sql, "demo.py", ((0, 39, 16),))
    assert check(replace(site(int), text=text), refusal) == (
        Finding(
            "demo.py",
            Severity.ERROR,
            "sql",
            "column u.emial does not exist [42703] (hint: Perhaps you meant to "
            'reference the column "u.email".)',
            41,
            11,
            "    WHERE u.emial = $1\n          ^",
        ),
    )


def test_a_refusal_without_a_place_is_found_where_the_sql_begins() -> None:
    """SQLite's codes are numbers; a detail is said, too."""
    refusal = Refusal(SQL, "no such table: x", sqlstate="1", detail="really")
    assert refused(TEXT, refusal) == Finding(
        "app.py",
        Severity.ERROR,
        "sql",
        "no such table: x [code 1] (detail: really)",
        1,
        13,
    )
    assert refused(TEXT, Refusal(SQL, "what?")).message == "what?"


def test_of_a_long_line_the_part_that_matters_is_shown() -> None:
    """And at the end of the text, which has no character any more."""
    sql = f"SELECT '{'x' * 300}',\tbad"
    text = SqlText(sql, "app.py", ((0, 1, 1),))
    found = refused(text, Refusal(sql, "no", offset=len(sql)))
    shown, caret = found.excerpt.split("\n")
    assert shown.endswith("x', bad")
    assert len(shown) == 80
    assert caret == " " * 80 + "^"
    assert found.column == len(sql) + 1


def test_a_query_that_is_as_it_says_has_no_findings() -> None:
    """Columns in any order, and None where it never comes."""
    both = described(TITLE, ID, parameters=("Int8",))
    assert check(site(UserPost, (int,)), both) == ()
    assert check(site(UserPost | None, (int | None,)), both) == ()
    assert said(list[int | None], described(ID)) == []
    assert said(int | None, described(column("n", "Int8", None))) == []


def test_the_number_of_parameters_is_compared() -> None:
    """At the function's name or at the call; types are left alone then."""
    one = described(parameters=("Int8",))
    assert check(site(None, (str, str)), one) == (
        Finding(
            "app.py",
            Severity.ERROR,
            "param-count",
            "the query has 1 parameter, the function takes 2 after the connection",
            2,
            5,
        ),
    )
    assert [f.message for f in check(site(None, (), name="query()"), one)] == [
        "the query has 1 parameter, the call gives 0"
    ]
    assert check(site(None, (), name="query()"), described(parameters=2))[
        0
    ].message == ("the query has 2 parameters, the call gives 0")
    assert check(site(None, None), one) == ()


def test_parameters_are_compared_by_position() -> None:
    """By their types; an argument is called one."""
    two = described(parameters=("Int8", "Numeric"))
    assert said_of_parameters((str, float), two) == [
        '$1 is bigint, parameter "it" is str; write "int" [param-type]',
        (
            '$2 is numeric, parameter "it" is float: a float is not exact; write '
            '"Decimal" [param-type]'
        ),
    ]
    assert said_of_parameters((int, float), two, "query()") == [
        (
            '$2 is numeric, argument "it" is float: a float is not exact; write '
            '"Decimal" [param-type]'
        ),
    ]


def test_parameters_that_say_nothing_are_told() -> None:
    """`Any`, no annotation, a name that does not exist; but JSON is anything."""
    one = described(parameters=("Int8",))
    empty = replace(site(), parameters=(Parameter("it", read(Any), PARAMETER),))
    assert check(empty, described(parameters=("Jsonb",))) == ()
    assert said_of_parameters((Any,), one) == [
        (
            'parameter "it" is Any, which cannot be checked; $1 is bigint, write "int" '
            "[any]"
        )
    ]
    nothing = Parameter("it", Annotation("", Form.ANY), PARAMETER)
    found = check(replace(site(), parameters=(nothing,)), one)
    assert found[0].message == (
        'parameter "it" has no annotation; $1 is bigint, write "int"'
    )
    assert said_of_parameters((list["Nope"],), one) == [  # type: ignore[name-defined]  # noqa: F821
        (
            'the annotation of parameter "it" cannot be resolved: "Nope"; import the '
            'name, under "if TYPE_CHECKING:" is enough [unresolved]'
        )
    ]


def test_what_is_not_evident_is_passed_over() -> None:
    """And what the user takes on himself."""
    one = described(parameters=("Int8",))
    unknown = Parameter("it", None, PARAMETER)
    unchecked = Parameter("it", read(str), PARAMETER, checked=False)
    for parameter in (unknown, unchecked):
        assert check(replace(site(), parameters=(parameter,)), one) == ()


def test_sqlite_knows_no_types_of_parameters() -> None:
    """What it can take is all that is checked."""
    from datetime import timedelta

    one = described(parameters=1, database=Database.SQLITE)
    assert said_of_parameters((Decimal | str | None,), one) == []
    assert said_of_parameters((timedelta,), one) == [
        (
            'parameter "it" is timedelta, which SQLite cannot take: SQLite has no '
            "lengths "
            "of time; pass total_seconds() [param-type]"
        )
    ]
    assert said_of_parameters((Plain | int,), one) == [
        'parameter "it" is Plain | int, which SQLite cannot take [param-type]'
    ]
    assert said_of_parameters((Any,), one) == [
        (
            'parameter "it" is Any, which cannot be checked; write the class of what '
            "is "
            "passed [any]"
        )
    ]
    # No database but SQLite has none; were it to say so, there is nothing to check.
    assert said_of_parameters((Any,), described(parameters=1)) == []


def test_a_scalar_is_one_column() -> None:
    """Its name does not matter, but for its override."""
    assert said(int, described(column("?column?", "Int8"))) == []
    assert said(int, described(column("n!", "Int8", None))) == []
    assert said(int, described(ID, TITLE)) == [
        (
            "posts returns int, which is one value, but the query has 2 columns; "
            "return a row class with the fields id, title [column-count]"
        )
    ]
    assert said(Plain, described(ID)) == [
        'column "id" is bigint but posts returns Plain; write "int" [column-type]'
    ]


def test_a_scalar_that_is_anything_is_told() -> None:
    """But for JSON it is right."""
    assert said(Any, described(column("it", "Jsonb", None))) == []
    assert said(Any, described(ID)) == [
        (
            'posts returns Any, which cannot be checked; column "id" is bigint, write '
            '"int" [any]'
        )
    ]
    assert said(list, described(ID, TITLE)) == [
        "posts has no annotation; return a row class with the fields id, title [any]"
    ]
    assert said("Nope", described(ID)) == [
        (
            'the annotation of posts cannot be resolved: "Nope"; import the name, '
            'under "if TYPE_CHECKING:" is enough [unresolved]'
        )
    ]


def test_a_list_is_all_rows() -> None:
    """One array alone is asked for in another way."""
    ids = described(column("ids", "Int8Array"))
    assert said(list[list[int]], ids) == []
    assert said(list[int], ids) == [
        (
            'column "ids" is bigint[] but posts returns int: a list is all rows, and '
            'here each row is list[int]; write "list[list[int]]", or put it in a row '
            "class "
            "[column-type]"
        )
    ]
    assert said(list[str], ids) == [
        (
            'column "ids" is bigint[] but posts returns str; write "list[int]" '
            "[column-type]"
        )
    ]
    assert said(int, ids) == [
        (
            'column "ids" is bigint[] but posts returns int; write "list[int]" '
            "[column-type]"
        )
    ]


def test_columns_are_the_fields_of_a_row() -> None:
    """None is missing, none is too many, none has a name that cannot be."""
    assert said(UserPost, described(ID, column("titel", "Text"))) == [
        (
            'column "titel" is no field of UserPost, which has id, title; add it, or '
            "alias "
            "the column [column-extra]"
        ),
        (
            'UserPost.title has no column; select it, alias one AS "title", or give '
            "the "
            "field a default [column-missing]"
        ),
    ]
    assert said(Partial, described(ID)) == []
    assert said(Empty, described(ID)) == [
        (
            'column "id" is no field of Empty, which has none; add it, or alias the '
            "column "
            "[column-extra]"
        )
    ]
    assert said(UserPost, described(ID, TITLE, column("id", "Text"))) == [
        'column "id" comes twice; alias one of them [column-name]'
    ]
    assert said(Partial, described(ID, column("?column?", "Int4"))) == [
        (
            'column name "?column?" is invalid: "" is no identifier; name the column: '
            'AS "name" [column-name]'
        )
    ]


def test_columns_are_of_their_fields_types() -> None:
    """The field is named with its class; a name that does not exist, too."""
    assert said(UserPost, described(column("id: UserId", "Text"), TITLE)) == [
        'column "id" is text but UserPost.id is int; write "str" [column-type]'
    ]
    missing = read(UserPost)
    fields = (
        replace(missing.fields[0], annotation=read("Nope")),
        replace(missing.fields[1], annotation=read(Any)),
    )
    row = Returns(Shape.ONE, replace(missing, fields=fields))
    assert said(row, described(ID, TITLE)) == [
        (
            'the annotation of UserPost.id cannot be resolved: "Nope"; import the '
            'name, under "if TYPE_CHECKING:" is enough [unresolved]'
        ),
        (
            'UserPost.title is Any, which cannot be checked; column "title" is text, '
            'write "str" [any]'
        ),
    ]


@pytest.mark.parametrize(
    ("nullable", "proof", "reason"),
    [
        (False, OUTER, " (outer join)"),
        (True, None, ""),
        (None, None, " (nothing is known of it)"),
        (None, Nullability(may_be_null=True), ""),
    ],
)
def test_a_column_that_may_be_null_is_told(
    nullable: bool | None,  # noqa: FBT001 -- a case.
    proof: Nullability | None,
    reason: str,
) -> None:
    """A proof counts before what SQLx says; what is not known may be NULL."""
    title = column("title", "Text", nullable, proof)
    assert said(UserPost, described(ID, title)) == [
        (
            f'column "title" may be NULL{reason} but UserPost.title is not optional; '
            'write "str | None" or alias it AS "title!" [nullable]'
        )
    ]


def test_what_is_proved_or_said_never_to_be_null_is_right() -> None:
    """A proof, or a `!`, against what SQLx says."""
    for title in (
        column("title", "Text", True, NEVER),  # noqa: FBT003 -- as above.
        column("title!", "Text", True, OUTER),  # noqa: FBT003 -- as above.
    ):
        assert said(UserPost, described(ID, title)) == []


def test_a_question_mark_demands_none() -> None:
    """Whatever is proved."""
    title = column("title?", "Text", False, NEVER)  # noqa: FBT003 -- as above.
    assert said(UserPost, described(ID, title)) == [
        (
            'column "title" may be NULL (AS "title?" says so) but UserPost.title is '
            'not optional; write "str | None" [nullable]'
        )
    ]


def test_a_scalar_that_may_be_null_is_told() -> None:
    """Of one row that is always there, or of each of many."""
    total = column("sum", "Int8", None, OUTER)
    assert said(int, described(total)) == [
        (
            'column "sum" may be NULL (outer join) but posts returns int; write '
            '"int | None" or alias it AS "sum!" [nullable]'
        )
    ]
    assert said(list[int], described(replace(total, name="?column?"))) == [
        (
            'column "?column?" may be NULL (outer join) but posts returns int; write '
            '"int | None" or alias it AS "value!" [nullable]'
        )
    ]


def test_rows_that_never_come_are_told() -> None:
    """No columns, or such as have no values; the reverse drops rows, as SQLx does."""
    message = (
        'but the query returns no rows; write "None" or "sqlx.RowsAffected", or '
        "add RETURNING [no-rows]"
    )
    assert said(UserPost, described()) == [f"posts returns UserPost, {message}"]
    nothing = described(column("pg_notify", "Void", None))
    assert said(list[int], nothing) == [f"posts returns int, {message}"]
    assert said(list, nothing) == [f"posts returns a row, {message}"]
    assert said(None, nothing) == []
    assert said(None, described(ID)) == []
    assert said(Returns(Shape.AFFECTED), described(ID)) == []
    assert check(replace(site(), returns=None), described(ID)) == ()


def test_rows_of_a_call_are_told_when_it_runs() -> None:
    """MySQL says that it has no columns; and RETURNING, MariaDB alone has."""
    sql = "-- as the owner\n/* 7 */ call p(?)"
    call = replace(described(database=Database.MYSQL), sql=sql)
    assert said(list[int], call) == [
        (
            "posts returns int, and what CALL gives is not known before it runs; write "
            'sqlx.unchecked("CALL …") [no-rows]'
        )
    ]
    assert said(list[int], described(database=Database.MYSQL)) == [
        (
            'posts returns int, but the query returns no rows; write "None" or '
            '"sqlx.RowsAffected", or add RETURNING, which MariaDB has [no-rows]'
        )
    ]


def test_a_void_column_beside_others_is_none() -> None:
    """Its field says so, and may be NULL."""

    class Notified(NamedTuple):
        id: int
        sent: None

    columns = (ID, column("sent", "Void", None))
    assert said(Notified, described(*columns)) == []


def test_a_type_that_sqlite_does_not_know_is_a_notice() -> None:
    """What is written is taken on trust; `Any` says the same."""
    total = described(column("total", "Null"), database=Database.SQLITE)
    assert check(site(Decimal), total) == (
        Finding(
            "app.py",
            Severity.NOTICE,
            "unchecked",
            'column "total" is of a type that is not known, so posts returns Decimal '
            "unchecked; CAST it to be sure",
            2,
            44,
        ),
    )
    assert check(site(Any), total) == ()


def test_a_comment_silences_one_code() -> None:
    """All findings of that code, and no other."""
    wrong = described(column("id", "Text", None), column("title", "Int8"))
    assert [f.code for f in check(site(UserPost, ignores=()), wrong)] == [
        "column-type",
        "nullable",
        "column-type",
    ]
    silenced = site(UserPost, ignores=("column-type", "column-type"))
    assert [f.code for f in check(silenced, wrong)] == ["nullable"]
    assert len(list(compare(silenced, wrong))) == 3


def test_a_comment_that_silences_nothing_is_told() -> None:
    """Or one of a code that does not exist; not one that was of use elsewhere."""
    never = site(None, ignores=("nullable", "nulable", "unused-ignore"))
    found = check(never, described())
    assert {(f.path, f.line, f.column, f.code, f.severity) for f in found} == {
        ("app.py", 1, 30, "unused-ignore", Severity.WARNING)
    }
    assert [f.message for f in found] == [
        "nothing here is [nullable]; take the comment out",
        "there is no code [nulable]; correct it",
        "nothing here is [unused-ignore]; take the comment out",
    ]
    used = (Ignore("dynamic-sql", IGNORE, used=True),)
    assert list(silence((), used)) == []


def test_types_of_every_kind_are_named() -> None:
    """An enum by its own name."""
    tier = TypeInfo("tier", Kind.ENUM, labels=("free",))
    assert said(int, described(column("tier", tier))) == [
        (
            'column "tier" is tier but posts returns int; write "Literal["free"]" or '
            '"str" '
            "[column-type]"
        )
    ]


def test_what_sqlx_cannot_describe_is_told() -> None:
    """A notice, for those whose Rust crate has the same query."""
    known = replace(described(column("id", "Int8")), sqlx_refusal="no built-in type")
    (found,) = check(site(list[int]), known)
    assert found == Finding(
        "app.py",
        Severity.NOTICE,
        "sqlx",
        "SQLx itself cannot describe this: no built-in type",
        1,
        13,
    )


def test_what_is_sure_of_a_type_goes_before_sqlxs_guess() -> None:
    """SQLx guesses for SQLite's expressions; an annotation is held to the proof."""
    guessed = replace(column("n", "Integer"), known_type=TypeInfo("Float"))
    known = described(guessed, database=Database.SQLITE)
    assert check(site(list[float]), known) == ()
    (found,) = check(site(list[int]), known)
    assert found.code == "column-type"


def test_pipes_are_what_the_session_of_mysql_says() -> None:
    """They are described as SQLx has them, and may be something else when they run."""
    sql = "SELECT a || 'x' FROM t"
    text = SqlText(sql, "app.py", ((0, 1, 13),))
    here = replace(site(list[str]), text=text)
    joined = Column("j", TypeInfo("VARCHAR"), None, nullable=False, proof=NEVER)
    for database, expected in ((Database.MYSQL, [PIPES]), (Database.POSTGRES, [])):
        column = (
            joined
            if database is Database.MYSQL
            else replace(joined, type_info=TypeInfo("Text"))
        )
        answer = Description(database, sql, (column,), 0)
        told = check(here, answer)
        assert [one.message for one in told] == expected
        assert all(one.severity is Severity.NOTICE for one in told)
