"""Modules that cannot be imported, or do harm when they are: the rest goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from sqlx.errors import SqlxError
from sqlx.queries.annotations import Annotation, Form, Returns, Shape

if TYPE_CHECKING:
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
GOOD = """
    import sqlx
    @sqlx.query("good")
    def good(db: object) -> int: ...
"""
BAD = """
    import sqlx
    def bad(db):
        sqlx.query("SELECT 1", 1)  # sqlx: ignore[param-type]
"""
MEND = "what ends a program or takes long does not belong at a module's level"


def known(collected: Collected) -> list[str]:
    """Name the modules whose types are known."""
    return [
        site.place.path
        for site in collected.sites
        if site.returns == Returns(Shape.ONE, INT)
    ]


def test_a_failure_is_laid_to_its_line_and_the_rest_goes_on(project: Project) -> None:
    """The deepest line of the user's is named, once, if many modules fail by it."""
    project.write("app/__init__.py", "")
    project.write("app/divide.py", f"{BAD}\n    def f(): return 1 / 0\n    f()\n")
    project.write("app/user_of_it.py", f"{BAD}    from app import divide\n")
    project.write("app/elsewhere.py", f"{BAD}    from app import not_ours\n")
    project.write("app/not_ours.py", "import json\njson.loads('{')\n")
    project.write("app/leaves.py", f"{BAD}    raise SystemExit(3)\n")
    project.write("app/stops.py", f"{BAD}    raise KeyboardInterrupt\n")
    project.write("app/deep.py", f"{BAD}    def f(): f()\n    f()\n")
    project.write("app/long.py", f"{BAD}    raise ValueError('x\\n' * 1000)\n")
    project.write(
        "app/strange.py",
        f"""{BAD}
    class E(Exception):
        def __str__(self): raise self
    raise E
""",
    )
    project.write("app/reads.py", f"{BAD}    input()\n")
    project.write("app/good.py", GOOD)
    text = ("x " * 200).strip()
    found = project.collect("app")
    assert project.said(found) == [
        (
            "app/deep.py:4: cannot be imported: RecursionError: maximum recursion "
            "depth exceeded [import]"
        ),
        (
            "app/divide.py:5: cannot be imported: ZeroDivisionError: division by zero "
            "[import]"
        ),
        (
            "app/leaves.py:4: cannot be imported: SystemExit: 3; put what runs below "
            '`if __name__ == "__main__":` [import]'
        ),
        f"app/long.py:4: cannot be imported: ValueError: {text} … [import]",
        (
            "app/not_ours.py:2: cannot be imported: JSONDecodeError: Expecting "
            "property name enclosed in double quotes: line 1 column 2 (char 1) [import]"
        ),
        (
            "app/reads.py:4: cannot be imported: EOFError: EOF when reading a line "
            "[import]"
        ),
        "app/stops.py:4: cannot be imported: KeyboardInterrupt [import]",
        "app/strange.py:7: cannot be imported: E [import]",
    ]
    assert known(found) == ["app/good.py"]
    assert len(found.sites) == 10
    bad = next(site for site in found.sites if site.place.path == "app/divide.py")
    assert bad.text.sql == "SELECT 1"
    assert bad.parameters is not None
    assert [(p.name, p.annotation) for p in bad.parameters] == [("1", None)]
    assert [(i.code, i.used) for i in bad.ignores] == [("param-type", True)]


@pytest.mark.slow
def test_what_modules_do_to_their_process_does_not_matter(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They print, go elsewhere, fork, warn, import in circles."""
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    project.write("src/app/__init__.py", "")
    project.write(
        "src/app/a_noise.py",
        f"""{GOOD}
    import os, sys, warnings
    print("printed")
    os.write(1, b"written\\n")
    os.chdir("/")
    warnings.warn("me")
    sys.stdout = None
    assert os.environ["SQLX_CHECK"] == "1"
    assert sys.argv[1:] == []
    if os.fork() == 0:
        print("forked")
""",
    )
    # Which of the two comes first by name fails, when it is entered first.
    project.write("src/app/circle_a.py", f"{GOOD}    import app.circle_b\n    x = 1\n")
    project.write("src/app/circle_b.py", f"{GOOD}    from app.circle_a import x\n")
    project.write("src/app/where.py", f"{GOOD}    import os; open('pyproject.toml')\n")
    project.write("src/app/__main__.py", f"{GOOD}    raise SystemExit(1)\n")
    project.write("tests/test_it.py", f"{GOOD}    import app.a_noise\n")
    found = project.collect("app", "tests")
    assert found.findings == ()
    assert known(found) == [
        "src/app/a_noise.py",
        "src/app/circle_a.py",
        "src/app/circle_b.py",
        "src/app/where.py",
        "tests/test_it.py",
    ]
    out, err = capfd.readouterr()
    assert (out, err) == ("", "written\nprinted\n")


def test_a_module_that_ends_the_process_is_named(project: Project) -> None:
    """Its package's other modules are read by the next process."""
    project.write("app/__init__.py", "")
    project.write("app/a.py", GOOD)
    project.write("app/exits.py", f"{BAD}    import os; os._exit(3)\n")
    project.write("app/crashes.py", f"{BAD}    import os; os.kill(os.getpid(), 11)\n")
    project.write(
        "app/closes.py",
        f"{BAD}    import os; os.closerange(3, 99)\n    while True: pass\n",
    )
    project.write("app/killed.py", f"{BAD}    import os; os.kill(os.getpid(), 40)\n")
    project.write("app/pack/__init__.py", f"{BAD}    import os; os._exit(4)\n")
    project.write("app/pack/sub.py", GOOD)
    project.write("app/z.py", GOOD)
    found = project.collect("app")
    assert [(f.path, f.line, f.message) for f in found.findings] == [
        (
            "app/closes.py",
            None,
            f"importing `app.closes` closed the files of the process; {MEND}",
        ),
        (
            "app/crashes.py",
            None,
            f"importing `app.crashes` ended the process (SIGSEGV); {MEND}",
        ),
        (
            "app/exits.py",
            None,
            f"importing `app.exits` ended the process (exit status 3); {MEND}",
        ),
        (
            "app/killed.py",
            None,
            f"importing `app.killed` ended the process (signal 40); {MEND}",
        ),
        (
            "app/pack/__init__.py",
            None,
            f"importing `app.pack` ended the process (exit status 4); {MEND}",
        ),
    ]
    assert known(found) == ["app/a.py", "app/z.py"]


def test_a_module_that_never_returns_is_named(project: Project) -> None:
    """After the time that it is given; what it started holds nothing up."""
    project.write("app/__init__.py", "")
    project.write("app/a.py", GOOD)
    project.write(
        "app/loops.py",
        f"""{BAD}
    import subprocess, sys
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"])
    while True: pass
""",
    )
    project.write("app/z.py", GOOD)
    found = project.collect("app", timeout_seconds=2.0)
    assert [(f.path, f.message) for f in found.findings] == [
        (
            "app/loops.py",
            f"importing `app.loops` took more than 2 seconds; {MEND}",
        )
    ]
    assert known(found) == ["app/a.py", "app/z.py"]


def test_reading_a_module_may_end_the_process_too(project: Project) -> None:
    """An annotation is an expression; what it raises is told, and what it ends."""
    project.write(
        "app.py",
        """
        from __future__ import annotations
        import os, sqlx
        @sqlx.query("1")
        def f(db: int, a: os._exit(5)) -> None: ...
        """,
    )
    project.write(
        "b.py",
        """
        from __future__ import annotations
        import sqlx
        class Meta(type):
            def __subclasscheck__(cls, other): raise RuntimeError("no")
            @property
            def __mro__(cls): raise RuntimeError("never")
        class Strange(metaclass=Meta): ...
        @sqlx.query("1")
        def f(db: object, a: Strange) -> None: ...
        """,
    )
    assert project.findings("app", "b") == [
        f"app.py: reading `app` ended the process (exit status 5); {MEND} [import]",
        'b.py:9:19: "Strange" cannot be resolved: RuntimeError: never [unresolved]',
    ]


def test_an_end_between_two_modules_is_nobodys_fault(project: Project) -> None:
    """What has been read is kept, and the next process reads the rest."""
    project.write(
        "app/a.py",
        f"""{GOOD}
    import os, sys
    calls = []
    def flush():
        calls.append(1)
        if len(calls) == 4: os._exit(9)  # Before it says that it reads b.
    sys.stdout.flush = flush
""",
    )
    project.write("app/b.py", GOOD)
    found = project.collect("app")
    assert found.findings == ()
    assert known(found) == ["app/a.py", "app/b.py"]


def test_a_name_that_means_another_module_is_reported(project: Project) -> None:
    """Types of the wrong module would be a lie."""
    project.write("json.py", GOOD)
    project.write("space/app.py", GOOD)
    project.write("app.py", GOOD)
    import json

    assert project.findings("json.py", "app.py", f"{project.root}/space") == [
        (
            f"json.py: `json` is the name of {json.__file__} too, which Python finds "
            f"first; "
            "rename it [import]"
        )
    ]


def test_the_parent_imports_nothing_of_the_users(project: Project) -> None:
    """Nor does it leave a trace in the parent's modules or path."""
    project.write("only_here.py", GOOD)
    before = (set(sys.modules), [*sys.path], Path.cwd())
    assert known(project.collect("only_here")) == ["only_here.py"]
    after = (set(sys.modules), [*sys.path], Path.cwd())
    assert after == before


def test_without_a_process_there_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An interpreter that cannot start is no fault of a module's."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    project.write("app.py", GOOD)
    with pytest.raises(SqlxError) as raised:
        project.collect("app")
    assert str(raised.value) == (
        "the process that imports your modules did not start: ended the process (exit "
        "status 7)"
    )


def test_the_worker_is_a_program(project: Project) -> None:
    """It says each step before it takes it, a line of JSON each."""
    project.write("app.py", GOOD)
    request = (
        f'{{"root": "{project.root}", "files": [], "first": ["{project.root}"], '
        f'"last": [], "modules": [{{"name": "app", "file": "{project.root}/app.py", '
        '"types": []}]}'
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from sqlx.queries.collecting.worker import main; main()",
        ],
        input=request,
        capture_output=True,
        text=True,
        check=True,
    )
    file = f"{project.root}/app.py"
    assert done.stdout.splitlines() == [
        f'{{"step": "importing", "module": "{file}"}}',
        f'{{"step": "reading", "module": "{file}"}}',
        f'{{"step": "read", "module": "{file}", "types": []}}',
        '{"step": "done"}',
    ]
