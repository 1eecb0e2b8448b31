"""The worker's steps, taken in this process: what it says before and after each."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from sqlx.queries.annotations import Annotation, Field, Form
from sqlx.queries.collecting.evidence import Evidence, Means
from sqlx.queries.collecting.transport import (
    evidence_from_json,
    evidence_to_json,
    type_from_json,
    type_to_json,
)
from sqlx.queries.collecting.worker import work
from sqlx.queries.resolving import Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a folder whose modules can be imported, and are forgotten again."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def done(root: Path, modules: dict[str, str], *types: Evidence) -> list[Any]:
    """Write modules, let the worker read them, and give its answers after a step."""
    files = {}
    for name, text in modules.items():
        file = root / f"{name}.py"
        file.write_text(dedent(text))
        files[name] = str(file)
    request = {
        "root": str(root),
        "files": list(files.values()),
        "modules": [
            {"name": n, "file": f, "types": [evidence_to_json(t) for t in types]}
            for n, f in files.items()
        ],
    }
    answers = [*work(request)]
    assert answers[-1] == {"step": "done"}
    return [
        [a["step"], a["module"].removeprefix(f"{root}/"), *[*a.values()][2:]]
        for a in answers[:-1]
        if a["step"] in {"failed", "read"}
    ]


def test_each_step_is_said_before_it_is_taken(root: Path) -> None:
    """All are imported first; what follows is read."""
    (root / "worker_a.py").write_text("import os; os.chdir('/')")
    (root / "worker_b.py").write_text("1 / 0")
    files = [str(root / name) for name in ("worker_a.py", "worker_b.py")]
    request = {
        "root": str(root),
        "files": files,
        "modules": [
            {"name": Path(file).stem, "file": file, "types": []} for file in files
        ],
    }
    steps = work(request)
    assert next(steps) == {"step": "importing", "module": files[0]}
    assert "worker_a" not in sys.modules
    assert next(steps) == {"step": "importing", "module": files[1]}
    assert "worker_a" in sys.modules
    assert Path.cwd() == root
    assert list(steps) == [
        {
            "step": "failed",
            "module": files[1],
            "file": files[1],
            "line": 1,
            "message": "cannot be imported: ZeroDivisionError: division by zero",
        },
        {"step": "reading", "module": files[0]},
        {"step": "read", "module": files[0], "types": []},
        {"step": "done"},
    ]


def test_a_circle_is_entered_where_it_can_be(root: Path) -> None:
    """What stopped half-way is tried again at the end, once."""
    answers = done(
        root,
        {
            "worker_c": "import worker_d\nx = 1",
            "worker_d": "from worker_c import x",
            "worker_e": "from worker_f import y",
            "worker_f": "from worker_e import y",
        },
    )
    assert [answer[:2] for answer in answers] == [
        ["failed", "worker_e.py"],
        ["failed", "worker_f.py"],
        ["read", "worker_d.py"],
        ["read", "worker_c.py"],
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "\nraise SystemExit",
            2,
            'SystemExit; put what runs below `if __name__ == "__main__":`',
        ),
        ("x = (\n", 1, "SyntaxError: '(' was never closed (worker_g.py, line 1)"),
        ("exec('x = (')", 1, "SyntaxError: '(' was never closed (<string>, line 1)"),
        ("raise ValueError('x' * 401)", 1, f"ValueError: {'x' * 400}…"),
        ("raise ValueError('a\\n  b')", 1, "ValueError: a b"),
        (
            "class E(Exception):\n    def __str__(self): raise self\nraise E",
            3,
            "E",
        ),
    ],
)
def test_a_failure_says_its_line_and_what_was_raised(
    root: Path, text: str, line: int, message: str
) -> None:
    """On one line, not too long, whatever the exception does."""
    file = str(root / "worker_g.py")
    assert done(root, {"worker_g": text}) == [
        ["failed", "worker_g.py", file, line, f"cannot be imported: {message}"]
    ]


def test_another_module_of_that_name_is_refused(root: Path) -> None:
    """Python found the standard library's first."""
    import json

    (answer,) = done(root, {"json": ""})
    assert answer[3:] == [
        None,
        (
            f"`json` is the name of {json.__file__} too, which Python finds first; "
            f"rename it"
        ),
    ]


def test_a_module_may_be_what_it_likes(root: Path) -> None:
    """One that puts an object in its place has no file, and is read by its object."""
    text = "import sys\nclass Lazy: x = 1\nsys.modules[__name__] = Lazy()"
    types = [Evidence(Means.MEMBER, "x"), Evidence(Means.ANNOTATION, "Missing")]
    (answer,) = done(root, {"worker_h": text}, *types)
    assert answer[:2] == ["read", "worker_h.py"]


MODULE = """
from __future__ import annotations
import datetime, enum, functools, json
from typing import Any, Generic, NewType, Self, TypeVar
from uuid import uuid4
from dataclasses import dataclass
T = TypeVar("T")
UserId = NewType("UserId", int)
LIMIT = 10
THING = object()
class Tier(enum.StrEnum):
    FREE = "free"
    @property
    def label(self): raise RuntimeError
class Mixed(enum.Enum):
    A = 1
    B = "b"
class Box(Generic[T]): ...
@dataclass
class User:
    id: int
    tier: Tier
    count = 1
    def method(self): ...
    @property
    def label(self) -> str: raise RuntimeError
    @property
    def bare(self): raise RuntimeError
    made = property()
    @functools.cached_property
    def cached(self) -> bytes: raise RuntimeError
    @classmethod
    def make(cls) -> User: raise RuntimeError
    @classmethod
    def same(cls) -> Self: raise RuntimeError
    def own(self) -> Self: raise RuntimeError
class Base:
    inherited: int
    lost: Missing
class Child(Base):
    class Inner: ...
class Strange:
    def __class_getitem__(cls, item): raise RuntimeError("no")
def plain() -> str: raise RuntimeError
def bare(): raise RuntimeError
def lost() -> Missing: raise RuntimeError
async def later() -> str: raise RuntimeError
def several() -> str: yield
async def endless() -> str: yield
@functools.wraps(plain)
def wrapped(): raise RuntimeError
"""


def ann(text: str, owner: str = "", *imports: str) -> Evidence:
    """Write the evidence of an annotation."""
    return Evidence(Means.ANNOTATION, text, owner, imports)


def call(text: str, *imports: str) -> Evidence:
    """Write the evidence of a call."""
    return Evidence(Means.CALL, text, imports=imports)


def member(text: str) -> Evidence:
    """Write the evidence of a value."""
    return Evidence(Means.MEMBER, text)


def attr(text: str, of: str | Evidence) -> Evidence:
    """Write the evidence of an attribute."""
    base = ann(of) if isinstance(of, str) else of
    return Evidence(Means.ATTRIBUTE, text, base=base)


SHOWN = [
    (ann("list[int]"), "list[int]"),
    (ann("User | None"), "User | None"),
    (ann("Inner", "Child"), "Child.Inner"),
    (ann("dec.Decimal", "", "import decimal as dec"), "Decimal"),
    (ann("Inner"), "! Inner: name 'Inner' is not defined"),
    (ann("x", "", "from missing import x"), "! x: No module named 'missing'"),
    (ann("Strange[int]"), "! Strange[int]: RuntimeError: no"),
    (Evidence(Means.LOCAL, "Local"), "! Local: it is made inside a function"),
    (attr("id", "User"), "int"),
    (attr("id", "User | None"), "int"),
    (attr("label", "User"), "str"),
    (attr("cached", "User"), "bytes"),
    (attr("bare", "User"), None),
    (attr("made", "User"), None),
    (attr("count", "User"), None),
    (attr("method", "User"), None),
    (attr("absent", "User"), None),
    (attr("absent", "Missing"), None),
    (attr("value", attr("tier", "User")), "str"),
    (attr("name", "Tier"), "str"),
    (attr("label", "Tier"), None),
    (attr("value", "Mixed"), None),
    (attr("inherited", "Child"), "int"),
    (attr("lost", "Child"), None),
    (attr("x", "int | str"), None),
    (attr("x", Evidence(Means.LOCAL, "Local")), None),
    (member("Tier.FREE"), "Tier"),
    (member("Tier.FREE.value"), "str"),
    (member("Tier.FREE.label"), None),
    (member("Tier.absent"), None),
    (member("json.absent.more"), None),
    (member("LIMIT"), "int"),
    (member("THING"), None),
    (member("THING.x"), None),
    (call("uuid4"), "UUID"),
    (call("len"), "int"),
    (call("sorted"), None),
    (call("UserId"), "UserId"),
    (call("User"), "User"),
    (call("int"), "int"),
    (call("list"), None),
    (call("Box"), None),
    (call("datetime.datetime.now"), "datetime"),
    (call("dict.fromkeys"), None),
    (call("User.make"), "User"),
    (call("User.same"), "User"),
    (call("User.own"), None),
    (call("plain"), "str"),
    (call("bare"), None),
    (call("lost"), None),
    (call("later"), None),
    (call("several"), None),
    (call("endless"), None),
    (call("wrapped"), None),
    (call("json.loads"), None),
    (call("absent"), None),
    (call("Decimal", "from decimal import Decimal"), "Decimal"),
    (call("x", "from missing import x"), "! x: No module named 'missing'"),
]


def test_evidence_shows_what_can_be_known_without_a_call(root: Path) -> None:
    """Everything in the module raises when it is called or read."""
    (answer,) = done(root, {"worker_i": MODULE}, *(evidence for evidence, _ in SHOWN))
    texts: list[str | None] = []
    for written in answer[2]:
        found = type_from_json(written)
        if isinstance(found, Unresolved):
            texts.append(f"! {found.text}: {found.reason}")
        else:
            texts.append(None if found is None else found.text)
    assert texts == [text for _, text in SHOWN]


class Word(str):
    """A str of a class of one's own, which JSON would write as it likes."""

    __slots__ = ()

    def __str__(self) -> str:
        return "no"


@pytest.mark.parametrize(
    "found",
    [
        None,
        Unresolved("x", "y"),
        Annotation("None", Form.NONE),
        Annotation(
            "T",
            Form.ROW,
            ("a.T", "b.U"),
            optional=True,
            items=(Annotation("int", Form.CLASS),),
            fields=(Field("x", Annotation("str", Form.CLASS), required=False),),
        ),
        Annotation("L", Form.LITERAL, values=("x", 1, True, None, 1.5, b"\xff")),
    ],
)
def test_types_cross_unchanged(found: Annotation | Unresolved | None) -> None:
    """What is read is what was written."""
    import json

    assert type_from_json(json.loads(json.dumps(type_to_json(found)))) == found


def test_values_of_ones_own_classes_cross_by_their_text() -> None:
    """Their classes must not be needed on the other side."""
    written = type_to_json(Annotation("E", Form.ENUM, values=(Word("x"), (1, 2))))
    found = type_from_json(written)
    assert isinstance(found, Annotation)
    assert found.values == ("x", "(1, 2)")
    assert type(found.values[0]) is str


def test_evidence_crosses_unchanged() -> None:
    """With all that it stands on."""
    evidence = attr("id", ann("User", "Owner", "import x"))
    assert evidence_from_json(evidence_to_json(evidence)) == evidence
