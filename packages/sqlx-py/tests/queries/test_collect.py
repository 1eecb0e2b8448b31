"""Queries of whole packages: sites with their types, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from sqlx.errors import ConfigurationError
from sqlx.queries.annotations import Annotation, Field, Form, Returns, Shape
from sqlx.queries.sites import Ignore, Parameter, Place, Site, SqlText
from sqlx.queries.values import Database

if TYPE_CHECKING:
    from pathlib import Path

    from sqlx.queries.collecting.collect import Collected

    class Project(Protocol):
        """What `project` gives."""

        root: Path

        def write(self, name: str, text: str | bytes) -> object:
            """Write a file."""

        def collect(self, *packages: str, timeout_seconds: float = 60.0) -> Collected:
            """Collect packages."""

        def findings(self, *packages: str) -> list[str]:
            """Collect packages, and write what is wrong."""

        @staticmethod
        def said(collected: Collected) -> list[str]:
            """Write what is wrong."""


INT = Annotation("int", Form.CLASS, ("builtins.int",))
STR = Annotation("str", Form.CLASS, ("builtins.str",))
USER = Annotation(
    "User",
    Form.ROW,
    ("app.models.User",),
    fields=(
        Field("id", INT),
        Field(
            "name",
            Annotation("str | None", Form.CLASS, ("builtins.str",), optional=True),
            required=False,
        ),
    ),
)
MODELS = """
    from dataclasses import dataclass
    from enum import StrEnum

    class Tier(StrEnum):
        FREE = "free"

    @dataclass
    class User:
        id: int
        name: "str | None" = None
        tier = Tier.FREE

        @property
        def label(self) -> str:
            return ""
"""


def test_a_package_is_collected_whole(project: Project) -> None:
    """Every part of a site is exact: types, SQL of a file, the kind of database."""
    project.write("src/app/__init__.py", "")
    project.write("src/app/models.py", MODELS.replace("        tier = Tier.FREE\n", ""))
    project.write("sql/rename.sql", "UPDATE users SET name = $1\r\n")
    project.write(
        "src/app/users.py",
        """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        import sqlx
        if TYPE_CHECKING:
            from psycopg import AsyncConnection
            from app.models import User

        @sqlx.query("SELECT id, name FROM users WHERE id = $1")
        async def by_id(db: AsyncConnection, id: int) -> User | None:
            raise NotImplementedError

        class Users:
            @sqlx.query_file("sql/rename.sql")
            def rename(self, db: Unknown, name: str) -> None:
                raise NotImplementedError

        def all_of(db: AsyncConnection, user: User, x, *rest):
            sqlx.query("SELECT 1", *rest).execute(db)
            return sqlx.query_as(User, "SELECT 2", user.id, x).all(db)
        """,
    )
    path = "src/app/users.py"
    found = project.collect("app")
    assert found.sites == (
        Site(
            "by_id",
            SqlText("SELECT id, name FROM users WHERE id = $1", path, ((0, 8, 14),)),
            Place(path, 9, 11),
            Returns(Shape.OPTIONAL, USER),
            Place(path, 9, 50),
            (Parameter("id", INT, Place(path, 9, 38)),),
            Database.POSTGRES,
            driver="psycopg",
        ),
        Site(
            "Users.rename",
            SqlText("UPDATE users SET name = $1\r\n", "sql/rename.sql", ((0, 1, 1),)),
            Place(path, 14, 9),
            Returns(Shape.EXECUTE),
            Place(path, 14, 49),
            (Parameter("name", STR, Place(path, 14, 35)),),
        ),
        Site(
            "query()",
            SqlText("SELECT 1", path, ((0, 18, 17),)),
            Place(path, 18, 5),
            None,
            Place(path, 18, 5),
            None,
            Database.POSTGRES,
            driver="psycopg",
        ),
        Site(
            "query_as(User)",
            SqlText("SELECT 2", path, ((0, 19, 33),)),
            Place(path, 19, 12),
            Returns(Shape.ALL, USER),
            Place(path, 19, 26),
            (
                Parameter("user.id", INT, Place(path, 19, 44)),
                Parameter("x", None, Place(path, 19, 53)),
            ),
            Database.POSTGRES,
            driver="psycopg",
        ),
    )
    assert found.findings == ()
    assert (found.modules, found.unchecked_arguments) == (1, 2)


def test_what_annotations_cannot_say_is_reported(project: Project) -> None:
    """Names that do not exist, forms that return no rows, values for connections."""
    project.write("app/__init__.py", "")
    project.write(
        "app/q.py",
        """
        from __future__ import annotations
        import sqlx
        from dataclasses import dataclass
        from typing import Any

        @sqlx.query("1")
        def names(db: Unknown, a: Missing, b: list[Absent]) -> Nothing: ...

        @sqlx.query("2")
        def form(db: Unknown) -> set[int]: ...

        @sqlx.query("3")
        def connection(a: str, b: int) -> None: ...

        @sqlx.query("3b")
        def array(a: list[str]) -> None: ...

        @sqlx.query("4")
        def anything(db: Unknown, a: Any) -> Any: ...

        def inline():
            class Local: ...
            sqlx.query_as(Local, "5")
            sqlx.query_as(Missing(), "6").execute(None)

        def arguments(a: Missing, b: list[Absent], c: Any):
            sqlx.query("7", a, b, c)
        """,
    )
    found = project.collect("app")
    assert project.said(found) == [
        (
            "app/q.py:7:24: \"Missing\" cannot be resolved: name 'Missing' is not "
            "defined [unresolved]"
        ),
        (
            "app/q.py:7:36: \"Absent\" cannot be resolved: name 'Absent' is not "
            "defined [unresolved]"
        ),
        (
            "app/q.py:7:56: \"Nothing\" cannot be resolved: name 'Nothing' is not "
            "defined [unresolved]"
        ),
        (
            'app/q.py:10:26: "set[int]" is no way to return rows: all rows are a '
            '"list", a stream of them is an "Iterator" [returns]'
        ),
        (
            'app/q.py:13:5: the first parameter of "connection" is str; put the '
            "connection "
            "before it [connection]"
        ),
        (
            'app/q.py:16:5: the first parameter of "array" is list[str]; put the '
            "connection "
            "before it [connection]"
        ),
        (
            'app/q.py:23:19: "Local" cannot be resolved: it is made inside a function '
            "[unresolved]"
        ),
        (
            "app/q.py:24:19: \"Missing\" cannot be resolved: name 'Missing' is not "
            "defined [unresolved]"
        ),
    ]
    anything = Annotation("Any", Form.ANY)
    given = {
        site.text.sql: None
        if site.parameters is None
        else [parameter.annotation for parameter in site.parameters]
        for site in found.sites
    }
    assert given == {
        "1": [None, None],
        "2": [],
        "3": None,
        "3b": None,
        "4": [anything],
        "5": [],
        "6": [],
        "7": [None, None, None],
    }
    assert [site.returns for site in found.sites] == [
        None,
        None,
        Returns(Shape.EXECUTE),
        Returns(Shape.EXECUTE),
        Returns(Shape.ONE, anything),
        None,
        None,
        None,
    ]


def test_a_name_within_a_name_may_not_exist(project: Project) -> None:
    """What an alias stands for is needed, too; an argument is then not evident.

    A text that is no Python at all is no name either.
    """
    project.write(
        "q.py",
        """
        import sqlx
        from typing import NewType
        UserId = NewType("UserId", "Missing")
        @sqlx.query("1")
        def f(db: object, a: list[UserId], b: "not ( valid") -> None: ...
        def g(a: list[UserId]): sqlx.query("2", a)
        """,
    )
    found = project.collect("q")
    assert project.said(found) == [
        (
            'q.py:5:19: "UserId" cannot be resolved: a name in it does not exist '
            "[unresolved]"
        ),
        (
            "q.py:5:36: \"'not ( valid'\" cannot be resolved: SyntaxError: Forward "
            "reference must be an expression -- got 'not ( valid' [unresolved]"
        ),
    ]
    assert [p.annotation for s in found.sites for p in s.parameters or ()] == [None] * 3


def test_arguments_show_what_the_module_knows(project: Project) -> None:
    """Classes, constructors, constants, fields and properties; nothing is called."""
    project.write("app/__init__.py", "")
    project.write("app/models.py", MODELS)
    arguments = {
        "user.id": "int",
        "user.name": "str | None",
        "user.label": "str",
        "user.cached": "bytes",
        "user.absent": None,
        "user.method": None,
        "tier.value": "str",
        "tier.name": "str",
        "mixed.value": None,
        "Tier.FREE": "Tier",
        "Tier.FREE.value": "str",
        "Tier.FREE.label": None,
        "models.LIMIT": "int",
        "models.WHEN": None,
        "models.absent": None,
        "uuid4()": "UUID",
        "len('x')": "int",
        "UserId(1)": "UserId",
        "int('1')": "int",
        "list('x')": None,
        "Box(1)": None,
        "datetime.datetime.now()": "datetime",
        "datetime.datetime.today().date()": None,
        "dict.fromkeys('x')": None,
        "int.from_bytes(b'')": "int",
        "User.make()": "User",
        "User.same()": "User",
        "plain()": "str",
        "bare()": None,
        "lost()": None,
        "later()": None,
        "several()": None,
        "endless()": None,
        "wrapped()": None,
        "user_method()": None,
        "Decimal('1')": "Decimal",
        "Tricky.x": None,
        "missing.Decimal('1')": None,
        "child.inherited": "int",
        "cast(int, lost)": "int",
    }
    project.write(
        "app/q.py",
        """
        import datetime, enum, functools, sqlx
        from typing import Generic, NewType, Self, TypeVar, cast
        from uuid import uuid4
        from app import models
        T = TypeVar("T")
        UserId = NewType("UserId", int)
        class Tier(enum.StrEnum):
            FREE = "free"
            @property
            def label(self): raise RuntimeError
        class Mixed(enum.Enum):
            A = 1
            B = "b"
        class Box(Generic[T]): ...
        class User(models.User):
            def method(self): ...
            @functools.cached_property
            def cached(self) -> bytes: raise RuntimeError
            @classmethod
            def make(cls) -> "User": raise RuntimeError
            @classmethod
            def same(cls) -> Self: raise RuntimeError
        class Base:
            inherited: int
        class Child(Base): ...
        class Meta(type):
            def __getattr__(cls, name): raise RuntimeError
        class Tricky(metaclass=Meta): ...
        def plain() -> str: raise RuntimeError
        def bare(): raise RuntimeError
        def lost() -> "Missing": raise RuntimeError
        async def later() -> str: raise RuntimeError
        def several() -> str: yield
        async def endless() -> str: yield
        @functools.wraps(plain)
        def wrapped(): raise RuntimeError
        user_method = User("x").method
        def f(user: User, tier: Tier, mixed: Mixed, child: Child):
            from decimal import Decimal
            import missing
            sqlx.query("", ARGUMENTS)
        """.replace("ARGUMENTS", ", ".join(arguments)),
    )
    project.write("app/models.py", f"{MODELS}\n    LIMIT = 10\n    WHEN = object()\n")
    found = project.collect("app.q")
    assert found.findings == ()
    (site,) = found.sites
    shown = {p.name: p.annotation and p.annotation.text for p in site.parameters or ()}
    assert shown == arguments
    assert found.unchecked_arguments == list(arguments.values()).count(None)


def test_connections_tell_the_kind_of_database(project: Project) -> None:
    """By the driver's name, through unions that agree; nothing is reported else."""
    project.write("app/__init__.py", "")
    kinds = {
        "psycopg.Connection": Database.POSTGRES,
        "psycopg.AsyncConnection[dict[str, int]]": Database.POSTGRES,
        "psycopg_pool.ConnectionPool": Database.POSTGRES,
        "asyncpg.Connection | asyncpg.Pool": Database.POSTGRES,
        "Mine": Database.SQLITE,
        "sqlite3.Connection": Database.SQLITE,
        "sqlite3.Connection | psycopg.Connection": None,
        "Proto": None,
        "Missing": None,
    }
    functions = "".join(
        f"""
        @sqlx.query("{index}")
        def f{index}(db: {annotation}) -> None: ...
        """
        for index, annotation in enumerate(kinds)
    )
    project.write(
        "app/q.py",
        f"""
        from __future__ import annotations
        import asyncpg, psycopg, psycopg_pool, sqlite3, sqlx
        from typing import Protocol
        class Mine(sqlite3.Connection): ...
        class Proto(Protocol): ...
        {functions}
        """,
    )
    found = project.collect("app")
    assert found.findings == ()
    assert [site.database for site in found.sites] == list(kinds.values())


def test_comments_silence_what_is_found_here(project: Project) -> None:
    """Those that did are marked, so that nobody calls them unused."""
    project.write(
        "q.py",
        """
        import sqlx
        @sqlx.query("1")  # sqlx: ignore[any, nullable]
        def f(db: int, a) -> None: ...
        def g(x): sqlx.query(x)  # sqlx: ignore[dynamic-sql]
        """,
    )
    found = project.collect("q")
    assert [(f.line, f.code) for f in found.findings] == [(3, "connection")]
    (site,) = found.sites
    assert site.ignores == (
        Ignore("any", Place("q.py", 2, 34), used=True),
        Ignore("nullable", Place("q.py", 2, 39), used=False),
    )


def test_what_a_module_passes_on_is_still_ours(project: Project) -> None:
    """`from app.db import query` is no way around the check, at any length."""
    project.write("app/__init__.py", "from .db import query as my_query")
    project.write("app/db/__init__.py", "import sqlx\nfrom sqlx import query")
    project.write("app/a.py", "from app.db import query as q\nq('a')")
    project.write("app/b.py", "from .db import sqlx\nsqlx.query('b')")
    project.write("app/c.py", "from . import my_query\nmy_query('c')")
    project.write("app/d/__init__.py", "import app\napp.my_query('d')")
    project.write("app/d/e.py", "from ..db import *\nquery('e')")
    project.write("app/d/f.py", "query = print\nquery('f')")
    assert [site.text.sql for site in project.collect("app").sites] == [*"abcde"]


def test_sites_stand_in_the_order_of_their_places(project: Project) -> None:
    """By path, then by line; findings likewise."""
    for name in ("b", "a"):
        text = f"import sqlx\nx = sqlx.query('{name}1'), sqlx.query('{name}2')\n"
        project.write(f"{name}.py", f"{text}sqlx.query(x)\n@sqlx.query\ndef f(): ...\n")
    found = project.collect("b", "a")
    assert [site.text.sql for site in found.sites] == ["a1", "a2", "b1", "b2"]
    places = [(f.path, f.line, f.column) for f in found.findings]
    assert places == sorted(places, key=str)
    assert found.modules == 2


def test_packages_without_queries_cost_no_process(project: Project) -> None:
    """What has no query is not imported: it may do as it likes."""
    project.write("app/__init__.py", "import os, sqlx\nos._exit(1)")
    found = project.collect("app")
    assert (found.sites, found.findings, found.modules) == ((), (), 0)


def test_a_package_that_does_not_exist_is_misuse(project: Project) -> None:
    """Nothing is collected."""
    project.write("app/__init__.py", "")
    with pytest.raises(ConfigurationError, match="did you mean `app`"):
        project.collect("app", "apps")


@pytest.mark.parametrize(
    ("octets", "finding"),
    [
        (b"import sqlx\nx = = 1", "app.py:2:5: invalid syntax [syntax]"),
        (
            b"# sqlx\n\n\xe4",
            "app.py:3: is not utf-8: byte 0xe4; save the file as UTF-8 [syntax]",
        ),
        (
            b"# coding: nonsense\n# sqlx",
            "app.py:1: unknown encoding: nonsense; save the file as UTF-8 [syntax]",
        ),
        (b"# sqlx\0", "app.py: source code string cannot contain null bytes [syntax]"),
    ],
)
def test_a_file_that_python_cannot_read_is_reported(
    project: Project, octets: bytes, finding: str
) -> None:
    """With its place, and once."""
    project.write("app.py", octets)
    project.write("b.py", "import sqlx, app\nsqlx.query('')")
    in_app = [f for f in project.findings("app", "b") if f.startswith("app.py:")]
    assert in_app == [finding]


def test_an_unreadable_file_is_reported(project: Project) -> None:
    """A link that leads nowhere, for example."""
    project.write("app/x.txt", "")
    (project.root / "app/lost.py").symlink_to("nowhere.py")
    assert project.findings("app") == [
        "app/lost.py: cannot be read: No such file or directory [syntax]"
    ]


def test_other_encodings_and_line_ends_keep_their_places(project: Project) -> None:
    """A cookie, a BOM, CR and CRLF are read as Python reads them."""
    project.write(
        "latin.py",
        "# coding: latin-1\r\nimport sqlx\rä = sqlx.query('''ä\r\nb''')".encode(
            "latin-1"
        ),
    )
    project.write("bom.py", "\ufeffimport sqlx; é = sqlx.query('ä')")
    sites = project.collect("latin", "bom").sites
    assert [
        (s.text.sql, s.text.starts, s.place.line, s.place.column) for s in sites
    ] == [
        ("ä", ((0, 1, 30),), 1, 18),
        ("ä\nb", ((0, 3, 19),), 3, 5),
    ]


def test_a_tree_that_is_too_deep_is_reported(project: Project) -> None:
    """Python's own limit."""
    project.write("app.py", f"import sqlx\nx = {' + '.join('a' * 50_000)}")
    (finding,) = project.collect("app").findings
    assert (finding.path, finding.code) == ("app.py", "syntax")
    assert finding.message


def test_a_file_beside_the_module_is_named_from_the_project(project: Project) -> None:
    """The message has the path to write."""
    project.write("app/a.sql", "")
    text = "import sqlx\n@sqlx.query_file('a.sql')\ndef f(db: object) -> None: ...\n"
    project.write("app/q.py", text)
    assert project.findings("app") == [
        (
            "app/q.py:2:18: paths relative to the current file's directory are not "
            "supported; "
            'write "app/a.sql" [file]'
        )
    ]


def test_the_nearest_project_is_the_one_of_a_file(project: Project) -> None:
    """In a workspace each member has its own; without any, the root is meant."""
    text = (
        "import sqlx\n@sqlx.query_file('sql/a.sql')\ndef f(db: object) -> None: ...\n"
    )
    project.write("member/pyproject.toml", "")
    project.write("member/app/q.py", text)
    project.write("member/sql/a.sql", "member")
    project.write("sql/a.sql", "root")
    (site,) = project.collect("member/app").sites
    assert (site.text.sql, site.text.path) == ("member", "member/sql/a.sql")
    (project.root / "pyproject.toml").unlink()
    (project.root / "member/pyproject.toml").unlink()
    (site,) = project.collect("member/app").sites
    assert (site.text.sql, site.text.path) == ("root", "sql/a.sql")
