"""What the scan finds wrong: SQL that cannot be read, unusable declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from sqlx.queries.collecting.scan import Scanned

    Scan = Callable[[str], Scanned]
    Wrong = Callable[[str], list[str]]

    class Project(Protocol):
        """What `project` gives."""

        def write(self, name: str, text: str | bytes) -> object:
            """Write a file."""


MEND = (
    "write one literal with placeholders for the values, or take it on yourself with "
    "sqlx.unchecked(…)"
)


@pytest.mark.parametrize(
    ("sql", "column", "message"),
    [
        ("f'SELECT {x}'", 12, f"is an f-string, and cannot be checked: {MEND}"),
        (
            "'SELECT %s' % x",
            12,
            f"is put together with %, and cannot be checked: {MEND}",
        ),
        (
            "'SELECT {}'.format(x)",
            12,
            f"is put together with format(), and cannot be checked: {MEND}",
        ),
        ("'x' + make(x)", 18, f"is what a call returns, and cannot be checked: {MEND}"),
        ("x", 12, f'is "x", which is no literal, and cannot be checked: {MEND}'),
        (
            "TWICE",
            12,
            f'is "TWICE", which is bound 2 times, and cannot be checked: {MEND}',
        ),
        (
            "SQL",
            12,
            f'is "SQL", which another module binds, and cannot be checked: {MEND}',
        ),
        (
            "NONE",
            12,
            (
                f'is "NONE", which this module does not bind, and cannot be checked: '
                f"{MEND}"
            ),
        ),
        ("self.sql", 12, f"is not a literal, and cannot be checked: {MEND}"),
        ("'a' if x else 'b'", 12, f"is not a literal, and cannot be checked: {MEND}"),
        ("'a' * 3", 12, f"is not a literal, and cannot be checked: {MEND}"),
        ("*x", 12, f"is not a literal, and cannot be checked: {MEND}"),
        ("b'x'", 12, "is of type bytes, and cannot be checked: write a str"),
        (
            "dedent('x')",
            12,
            (
                "is changed by a call, and cannot be checked: leave it out, since SQL "
                "may be indented"
            ),
        ),
    ],
)
def test_sql_that_is_no_literal_is_reported(
    wrong: Wrong, sql: str, column: int, message: str
) -> None:
    """Where, why, and the mend."""
    module = f"""
        import sqlx
        from textwrap import dedent
        from other import SQL
        TWICE = "x"
        TWICE = "y"
        def f(x, self):
            sqlx.query({sql})
    """
    found = wrong(module)
    assert found == [f"app.py:7:{column + 4}: the SQL {message} [dynamic-sql]"]


def test_a_circle_of_names_is_no_literal(wrong: Wrong) -> None:
    """It ends, and is reported."""
    found = wrong("import sqlx\nA = B\nB = A\nsqlx.query(A)")
    assert [line.partition(" [")[2] for line in found] == ["dynamic-sql]"]


@pytest.mark.parametrize(
    ("sql", "column", "message"),
    [
        (
            "'a\\0b'",
            14,
            "the SQL holds a NUL, at which a database stops reading; take it out",
        ),
        (
            "'a' '\\ud83d'",
            17,
            "the SQL holds \\ud83d, half a character; write the whole one",
        ),
    ],
)
def test_sql_that_cannot_be_sent_is_reported(
    wrong: Wrong, sql: str, column: int, message: str
) -> None:
    """A NUL would end it unseen, and half a character is no UTF-8."""
    assert wrong(f"import sqlx\nsqlx.query({sql})") == [
        f"app.py:2:{column}: {message} [sql]"
    ]


@pytest.mark.parametrize(
    ("declared", "findings"),
    [
        (
            "@sqlx.query('')\ndef f() -> None: ...",
            ['3:5: "f" takes no connection; make it the first parameter [connection]'],
        ),
        (
            "class A:\n    @sqlx.query('')\n    def f(self) -> None: ...",
            ['4:9: "f" takes no connection; make it the first parameter [connection]'],
        ),
        (
            "@sqlx.query('')\ndef f(*, db: C) -> None: ...",
            [
                (
                    '3:10: "db" is keyword-only; put the connection before the "*" '
                    "[connection]"
                )
            ],
        ),
        (
            "@sqlx.query('')\ndef f(db: C, *a: int, **k: int) -> None: ...",
            [
                (
                    '3:15: "*a" belongs to no one placeholder; name each parameter '
                    "[declaration]"
                ),
                (
                    '3:25: "**k" belongs to no one placeholder; name each parameter '
                    "[declaration]"
                ),
            ],
        ),
        (
            "@sqlx.query('')\ndef f(db, a, *, b=1): ...",
            [
                '3:11: parameter "a" has no annotation; write its type [any]',
                '3:17: parameter "b" has no annotation; write its type [any]',
                (
                    '3:5: "f" has no return annotation; write what a row is, or `-> '
                    "None` "
                    "when no row comes back [any]"
                ),
            ],
        ),
        (
            "@sqlx.query('', 1, x=2)\ndef f(db: C) -> None: ...",
            [
                (
                    "2:17: a declared query gets its values when it is called; take "
                    "this out [declaration]"
                ),
                (
                    "2:22: a declared query gets its values when it is called; take "
                    "this out [declaration]"
                ),
            ],
        ),
        (
            "@sqlx.query\ndef f(db: C) -> None: ...",
            [
                (
                    '2:2: `@sqlx.query` needs the SQL; write `@sqlx.query("…")` '
                    "[declaration]"
                )
            ],
        ),
        (
            "@sqlx.query_file()\ndef f(db: C) -> None: ...",
            [
                (
                    "2:2: `@sqlx.query_file` needs the path of a file; write "
                    '`@sqlx.query_file("…")` [declaration]'
                )
            ],
        ),
        (
            "@sqlx.query_as(User, '')\ndef f(db: C) -> None: ...",
            [
                (
                    "2:2: `sqlx.query_as` is no decorator; use `@sqlx.query`: the "
                    "return annotation names the class [declaration]"
                )
            ],
        ),
        (
            "@sqlx.query('')\nclass A: ...",
            [
                (
                    "3:7: `@sqlx.query` decorates functions, and this is a class "
                    "[declaration]"
                )
            ],
        ),
        ("sqlx.query()", ["2:1: `sqlx.query` needs the SQL [declaration]"]),
        ("sqlx.query_as(User)", ["2:1: `sqlx.query_as` needs the SQL [declaration]"]),
        ("sqlx.query_as()", ["2:1: `sqlx.query_as` needs the SQL [declaration]"]),
    ],
)
def test_a_declaration_that_cannot_be_used_is_reported(
    wrong: Wrong, declared: str, findings: list[str]
) -> None:
    """Each thing at its place, with the mend."""
    found = wrong(f"import sqlx\n{declared}")
    assert found == [f"app.py:{finding}" for finding in findings]


@pytest.mark.parametrize(
    "declared",
    [
        "@sqlx.query('')\ndef f() -> None: ...",
        "@sqlx.query('')\ndef f(db: C, *a: int) -> None: ...",
    ],
)
def test_unusable_parameters_are_not_counted(scanned: Scan, declared: str) -> None:
    """What is wrong with them is reported once, and not as a wrong number too."""
    (draft,) = scanned(f"import sqlx\n{declared}").drafts
    assert draft.arguments is None


@pytest.mark.parametrize(
    ("module", "findings"),
    [
        (
            "import sqlx  # sqlx: ignore[nullable]\nsqlx.query('')",
            ["1:29: this comment stands at no query; take it out [unused-ignore]"],
        ),
        (
            "import sqlx\nsqlx.query('')  # sqlx: ignore",
            [
                (
                    "2:17: this comment names no code; write `sqlx: ignore[code]` "
                    "[unused-ignore]"
                )
            ],
        ),
        (
            "import sqlx\nsqlx.query('')  # sqlx: ignore[ ,]",
            [
                (
                    "2:17: this comment names no code; write `sqlx: ignore[code]` "
                    "[unused-ignore]"
                )
            ],
        ),
        (
            "import sqlx\nsqlx.query('''\n-- sqlx:ignore\n''')",
            [
                (
                    "3:1: this comment names no code; write `sqlx: ignore[code]` "
                    "[unused-ignore]"
                )
            ],
        ),
    ],
)
def test_comments_that_can_silence_nothing_are_reported(
    wrong: Wrong, module: str, findings: list[str]
) -> None:
    """They would be taken for protection."""
    assert wrong(module) == [f"app.py:{finding}" for finding in findings]


QUERY_FILE = "import sqlx\n@sqlx.query_file({!r})\ndef f(db: C) -> None: ..."


@pytest.mark.parametrize(
    ("octets", "sql"),
    [
        (b"SELECT 1", "SELECT 1"),
        (b"SELECT\r\n1\n", "SELECT\r\n1\n"),
        (b"\xef\xbb\xbfSELECT '\xc3\xa4'", "\ufeffSELECT 'ä'"),
        (b"", ""),
    ],
)
@pytest.mark.parametrize("name", ["by_email.sql", "sql/by_email.sql"])
def test_a_file_is_sent_as_it_is(
    project: Project, scanned: Scan, octets: bytes, sql: str, name: str
) -> None:
    """Byte for byte: line ends and BOM are what SQLx hashes, too."""
    project.write(name, octets)
    (draft,) = scanned(QUERY_FILE.format(name)).drafts
    assert draft.findings == ()
    assert draft.text is not None
    assert (draft.text.sql, draft.text.path) == (sql, name)


def test_a_bom_is_not_counted_as_a_column(project: Project, scanned: Scan) -> None:
    """Editors do not show it; comments in the file are the query's."""
    project.write("a.sql", b"\xef\xbb\xbfSELECT\r\n -- sqlx: ignore[nullable]\r\n")
    (draft,) = scanned(QUERY_FILE.format("a.sql")).drafts
    assert draft.text is not None
    assert draft.text.place(1).column == 1
    assert draft.text.place(0).column == 1
    (ignore,) = draft.ignores
    assert (ignore.code, ignore.place.line, ignore.place.column) == ("nullable", 2, 18)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "/etc/x.sql",
            (
                "absolute paths will only work on the current machine; write the path "
                "from the directory of pyproject.toml [file]"
            ),
        ),
        (
            "C:\\x.sql",
            (
                "absolute paths will only work on the current machine; write the path "
                "from the directory of pyproject.toml [file]"
            ),
        ),
        (
            "none.sql",
            (
                "paths relative to the current file's directory are not supported, and "
                "there is no `none.sql` in the directory of pyproject.toml [file]"
            ),
        ),
        (
            "sql/none.sql",
            (
                "failed to read query file at sql/none.sql: No such file or directory "
                "[file]"
            ),
        ),
        (
            "sql/folder",
            "failed to read query file at sql/folder: Is a directory [file]",
        ),
        (
            "sql/latin.sql",
            (
                "failed to read query file at sql/latin.sql: line 2 is not UTF-8; save "
                "it as UTF-8 [file]"
            ),
        ),
        (
            "sql/a\0b",
            "failed to read query file at sql/a\0b: embedded null byte [file]",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(
    project: Project, wrong: Wrong, name: str, message: str
) -> None:
    """In SQLx's words, with the mend, at the path."""
    project.write("sql/latin.sql", b"SELECT 1\n\xe4")
    project.write("sql/folder/x.sql", "")
    assert wrong(QUERY_FILE.format(name)) == [f"app.py:2:18: {message}"]


def test_a_path_must_be_literal_too(wrong: Wrong) -> None:
    """A file that is chosen at run time cannot be checked."""
    found = wrong("import sqlx\nsqlx.query_file(x)")
    assert found == [
        (
            'app.py:2:17: the path is "x", which this module does not bind, and cannot '
            "be "
            f"checked: {MEND} [dynamic-sql]"
        )
    ]


def test_a_file_is_checked_for_what_cannot_be_sent(
    project: Project, wrong: Wrong
) -> None:
    """The place is in the file."""
    project.write("a.sql", "SELECT\n \0")
    assert wrong(QUERY_FILE.format("a.sql")) == [
        (
            "a.sql:2:2: the SQL holds a NUL, at which a database stops reading; take "
            "it out [sql]"
        )
    ]
