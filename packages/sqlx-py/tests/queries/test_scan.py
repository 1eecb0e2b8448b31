"""The scan of a module's text: which queries stand there, and what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlx.queries.annotations import Shape
from sqlx.queries.collecting.drafts import Argument, Draft
from sqlx.queries.collecting.evidence import Evidence, Means
from sqlx.queries.sites import Ignore, Place, SqlText

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlx.queries.collecting.scan import Scanned

    Scan = Callable[[str], Scanned]
    Wrong = Callable[[str], list[str]]


def a_type(text: str, owner: str = "") -> Evidence:
    """Write the evidence of an annotation."""
    return Evidence(Means.ANNOTATION, text, owner)


def at(line: int, column: int) -> Place:
    """Write a place in the module that is scanned."""
    return Place("app.py", line, column)


def test_a_declared_query_is_found_with_all_that_belongs_to_it(scanned: Scan) -> None:
    """SQL, name, annotations and comments are placed exactly, behind non-ASCII too."""
    found = scanned(
        """
        import sqlx
        class Größe:
            @sqlx.query("SELECT 'ä', $1")
            @other  # sqlx: ignore[nullable, param-type]
            async def prüfe(self, db: Connection, größe: "int",
                            *, Ö: str = "x") -> list[User]:
                raise NotImplementedError
        """
    )
    assert found.drafts == (
        Draft(
            name="Größe.prüfe",
            place=at(5, 15),
            lines=(3, 6),
            text=SqlText("SELECT 'ä', $1", "app.py", ((0, 3, 18),)),
            returns=a_type("list[User]"),
            returns_place=at(6, 41),
            is_async=True,
            arguments=(
                Argument("größe", at(5, 43), a_type("int")),
                Argument("Ö", at(6, 24), a_type("str")),
            ),
            connection=a_type("Connection"),
            is_declared=True,
            ignores=(
                Ignore("nullable", at(4, 28)),
                Ignore("param-type", at(4, 38)),
            ),
        ),
    )
    assert found.findings == ()


def test_an_inline_query_is_found_with_all_that_belongs_to_it(scanned: Scan) -> None:
    """The method that is called says how many rows, and gets the connection."""
    found = scanned(
        """
        import sqlx
        async def f(db: Connection, é: str, x):
            é = 1; user = await sqlx.query_as(
                User, '''
                SELECT 1
                -- sqlx: ignore[nullable]
                ''', é,
                x,  # sqlx: ignore[param-type]
            ).optional(db)
        """
    )
    sql = "\n        SELECT 1\n        -- sqlx: ignore[nullable]\n        "
    assert found.drafts == (
        Draft(
            name="query_as(User)",
            place=at(3, 25),
            lines=(3, 9),
            text=SqlText(sql, "app.py", ((0, 4, 18),)),
            returns=a_type("User"),
            returns_place=at(4, 9),
            shape=Shape.OPTIONAL,
            arguments=(
                Argument("é", at(7, 14), a_type("str")),
                Argument("x", at(8, 9), None),
            ),
            connection=a_type("Connection"),
            ignores=(
                Ignore("param-type", at(8, 28)),
                Ignore("nullable", at(6, 25)),
            ),
        ),
    )
    assert found.findings == ()


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ("query_as(int, 'x').one(db)", Shape.ONE),
        ("query_scalar(int, 'x').optional(db)", Shape.OPTIONAL),
        ("query_as(int, 'x').all(db)", Shape.ALL),
        ("query_as(int, 'x').stream(db)", Shape.STREAM),
        ("query_as(int, 'x').execute(db)", Shape.EXECUTE),
        ("query_as(int, 'x').one", Shape.ONE),
        ("query_as(int, 'x').other(db)", Shape.ALL),
        ("query_as(int, 'x')", Shape.ALL),
        ("query('x').one(db)", None),
    ],
)
def test_the_method_says_how_many_rows(
    scanned: Scan, asked: str, shape: Shape | None
) -> None:
    """What is not asked yet is all; the rows of `query` have no class to compare."""
    (draft,) = scanned(f"import sqlx\nx = sqlx.{asked}").drafts
    assert draft.shape is shape


@pytest.mark.parametrize(
    ("imported", "called"),
    [
        ("import sqlx", "sqlx.query"),
        ("import sqlx as s", "s.query"),
        ("import sqlx.errors", "sqlx.query"),
        ("from sqlx import query", "query"),
        ("from sqlx import query as q", "q"),
        ("from sqlx.checked import query as q", "q"),
        ("import sqlx.checked", "sqlx.checked.query"),
        ("from sqlx import *", "query"),
        ("import sqlx\nq = sqlx.query", "q"),
        ("import sqlx\nq: object = sqlx.query", "q"),
        ("try:\n    import sqlx\nexcept ImportError:\n    sqlx = None", "sqlx.query"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import sqlx",
            "sqlx.query",
        ),
    ],
)
def test_every_way_to_import_is_seen(scanned: Scan, imported: str, called: str) -> None:
    """A query is one under whatever name it was imported."""
    module = (
        f"{imported}\n@{called}('one')\ndef f(db: C) -> None: ...\n{called}('two')\n"
    )
    found = [d.text.sql for d in scanned(module).drafts if d.text]
    assert found == ["one", "two"]


@pytest.mark.parametrize(
    "module",
    [
        "def f():\n    import sqlx\n    sqlx.query('x')",
        "def f():\n    global sqlx\n    import sqlx\n    sqlx.query('x')",
        "import sqlx\nf = lambda: sqlx.query('x')",
        "import sqlx\ndef f(a=sqlx.query('x')): ...",
        "import sqlx\nclass A(b=sqlx.query('x')): ...",
        "import sqlx\n[sqlx.query('x') for _ in y]",
        "import sqlx\nx[sqlx.query('x')] = 1",
        "import sqlx\nx.y: int = sqlx.query('x')",
        "import sqlx\nif (x := sqlx.query('x')): ...",
        "import sqlx\n[q := sqlx.query for _ in y]\nq('x')",
        "import sqlx\ndef outer():\n    def inner():\n        return sqlx.query('x')",
        "import sqlx\n@other(sqlx.query('x'))\ndef f(): ...",
        (
            "import sqlx\nmatch sqlx.query('x'):\n    case {**rest}: ...\n    case "
            "[*_]: ..."
        ),
    ],
)
def test_a_query_is_found_wherever_it_stands(scanned: Scan, module: str) -> None:
    """No expression of a module is passed over."""
    assert [d.text.sql for d in scanned(module).drafts if d.text] == ["x"]


@pytest.mark.parametrize(
    "module",
    [
        "import sqlx\ndef f(sqlx): sqlx.query('x')",
        "import sqlx\n[sqlx.query('x') for sqlx in y]",
        "import sqlx\nf = lambda sqlx: sqlx.query('x')",
        "import sqlx\ndef f(*sqlx): sqlx.query('x')",
        "import sqlx\ndef f():\n    sqlx = 1\n    sqlx = 2\n    sqlx.query('x')",
        "import sqlx\ndef f():\n    try: ...\n    except E as sqlx: sqlx.query('x')",
        "from sqlx import Migrator\nMigrator('x').query('x')",
        "from other import *\nquery('x')",
        "import sqlx\nsqlx().query('x')",
        "query('x')",
        "q = q\nq('x')",
        "import sqlx\nsqlx.query(sqlx.unchecked(f'{x}')).all(db)",
        "import sqlx\nx = sqlx.unchecked(y)\nsqlx.query(x)",
        "import sqlx\n@sqlx.query(sqlx.unchecked(y))\ndef f(db): ...",
    ],
)
def test_what_is_not_ours_is_left_alone(scanned: Scan, module: str) -> None:
    """A name that means something else here, and SQL that the user answers for."""
    assert scanned(module).drafts == ()


def test_a_class_around_a_function_hides_no_name(scanned: Scan) -> None:
    """A method does not see the names of its class, as in Python."""
    (draft,) = scanned(
        """
        import sqlx
        class A:
            def sqlx(self): ...
            def f(self): return sqlx.query("x")
        """
    ).drafts
    assert draft.place == at(4, 25)


@pytest.mark.parametrize(
    ("head", "name", "place"),
    [
        ("def f(db: C) -> None: ...", "f", at(3, 5)),
        ("async   def \\\n  f(db: C) -> None: ...", "f", at(4, 3)),
        ("class A: ...", "A", at(3, 7)),
    ],
)
def test_the_place_is_that_of_the_name(
    scanned: Scan, head: str, name: str, place: Place
) -> None:
    """However the head is written."""
    (draft,) = scanned(f"import sqlx\n@sqlx.query('x')\n{head}").drafts
    assert (draft.name, draft.place) == (name, place)


def test_functions_in_functions_and_classes_have_their_path(scanned: Scan) -> None:
    """The name leads to the query; `self` and `cls` are no connection."""
    drafts = scanned(
        """
        import sqlx
        class Outer:
            class Inner:
                @staticmethod
                @sqlx.query("1")
                def s(db: C, a: A) -> R: ...
                @classmethod
                @sqlx.query("2")
                def c(cls, db: C, a: A) -> R: ...
                def method(self):
                    @sqlx.query("3")
                    def local(db: C, a: A, /) -> R: ...
        """
    ).drafts
    assert [(d.name, d.connection, len(d.arguments or ())) for d in drafts] == [
        ("Outer.Inner.s", a_type("C"), 1),
        ("Outer.Inner.c", a_type("C"), 1),
        ("Outer.Inner.method.local", a_type("C"), 1),
    ]


def test_annotations_say_in_which_class_they_are_read(scanned: Scan) -> None:
    """A class's own names are looked up there, a function's cannot be."""
    drafts = scanned(
        """
        import sqlx
        class Repository:
            class Row: ...
            @sqlx.query("1")
            def one(self, db: C) -> Row: ...
            def method(self, db: C):
                class Local: ...
                from .models import User
                sqlx.query_as(Local, "2")
                sqlx.query_as(list[User], "3")
        """
    ).drafts
    assert [draft.returns for draft in drafts] == [
        a_type("Row", "Repository"),
        Evidence(Means.LOCAL, "Local"),
        Evidence(
            Means.ANNOTATION,
            "list[User]",
            imports=("from .models import User",),
        ),
    ]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SQL", "select 1"),
        ("'x' + SQL + ' y'", "xselect 1 y"),
        ("TYPED", "typed"),
        ("ALIAS", "select 1"),
        ("local", "local"),
    ],
)
def test_a_name_that_is_bound_once_is_its_literal(
    scanned: Scan, sql: str, found: str
) -> None:
    """A constant, and what is joined from constants, is as good as a literal."""
    (draft,) = scanned(
        f"""
        import sqlx
        from typing import Final
        SQL = "select 1"
        TYPED: Final = "typed"
        ALIAS = SQL
        def f():
            local = "local"
            sqlx.query({sql})
        """
    ).drafts
    assert draft.text is not None
    assert draft.text.sql == found


def test_what_is_joined_keeps_its_places(scanned: Scan) -> None:
    """A place in a constant is where the constant stands."""
    (draft,) = scanned(
        """
        import sqlx
        COLUMNS = "id, name"
        sqlx.query("SELECT " + COLUMNS + " FROM t")
        """
    ).drafts
    assert draft.text == SqlText(
        "SELECT id, name FROM t",
        "app.py",
        ((0, 3, 13), (7, 2, 12), (15, 3, 35)),
    )


def test_thousands_of_joined_pieces_are_no_depth(scanned: Scan) -> None:
    """Python's parser takes them, so the scan does."""
    pieces = " + ".join(["'a'"] * 900)
    (draft,) = scanned(f"import sqlx\nsqlx.query({pieces})").drafts
    assert draft.text is not None
    assert draft.text.sql == "a" * 900


def test_a_comment_belongs_to_the_innermost_query(scanned: Scan) -> None:
    """Of two queries on one line or around each other, the shorter has it."""
    found = scanned(
        """
        import sqlx
        sqlx.query(
            "outer",
            sqlx.query("inner"),  # type: ignore # sqlx: ignore[a]
        )
        """
    )
    assert [(d.text and d.text.sql, d.ignores) for d in found.drafts] == [
        ("outer", ()),
        ("inner", (Ignore("a", at(4, 57)),)),
    ]


def test_text_that_only_looks_like_a_comment_is_none(scanned: Scan) -> None:
    """A string that holds the words is a string."""
    found = scanned("import sqlx\nsqlx.query('x', '# sqlx: ignore[a]')")
    assert found.drafts[0].ignores == ()
    assert found.findings == ()
