"""Which modules a package's name, or a path, means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sqlx.errors import ConfigurationError
from sqlx.queries.collecting.modules import find_modules

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, *names: str) -> None:
    """Write empty files."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(root: Path, *packages: str) -> list[tuple[str, str]]:
    """Find modules: each one's name and file, below the root."""
    modules = find_modules(packages, str(root))
    return [(m.name, m.file.removeprefix(f"{root}/")) for m in modules]


def test_a_package_is_all_that_lies_in_it(tmp_path: Path) -> None:
    """Folders without `__init__.py` too; caches, environments and data are passed."""
    write(
        tmp_path,
        "app/__init__.py",
        "app/__main__.py",
        "app/users.py",
        "app/space/deep/a.py",
        "app/__pycache__/no.py",
        "app/node_modules/no.py",
        "app/venv/pyvenv.cfg",
        "app/venv/no.py",
        "app/venv/lib/no.py",
        "app/not-a-name/no.py",
        "app/data.txt",
        "other/__init__.py",
    )
    assert found(tmp_path, "app") == [
        ("app", "app/__init__.py"),
        ("app.__main__", "app/__main__.py"),
        ("app.space.deep.a", "app/space/deep/a.py"),
        ("app.users", "app/users.py"),
    ]


@pytest.mark.parametrize(
    ("meant", "modules"),
    [
        ("app.users", [("app.users", "src/app/users.py")]),
        ("app.sub", [("app.sub", "src/app/sub/__init__.py")]),
        ("src/app/sub", [("app.sub", "src/app/sub/__init__.py")]),
        ("src/app/users.py", [("app.users", "src/app/users.py")]),
        ("tool", [("tool", "tool.py")]),
        ("tool.py", [("tool", "tool.py")]),
        ("./tool.py", [("tool", "tool.py")]),
        ("jobs", [("jobs.run", "jobs/run.py")]),
        ("jobs/", [("jobs.run", "jobs/run.py")]),
        ("jobs/run.py", [("jobs.run", "jobs/run.py")]),
        ("libs/one", [("one", "libs/one/__init__.py")]),
        ("libs.one", [("libs.one", "libs/one/__init__.py")]),
        ("src/space", [("space.a", "src/space/a.py")]),
    ],
)
def test_a_module_has_the_name_by_which_it_is_imported(
    tmp_path: Path, meant: str, modules: list[tuple[str, str]]
) -> None:
    """Named or given by path, in the root or in `src`, regular or not."""
    write(
        tmp_path,
        "src/app/__init__.py",
        "src/app/users.py",
        "src/app/sub/__init__.py",
        "src/space/a.py",
        "tool.py",
        "jobs/run.py",
        "libs/one/__init__.py",
    )
    assert found(tmp_path, meant) == modules


def test_the_whole_project_can_be_given(tmp_path: Path) -> None:
    """Each module has its own base; none comes twice."""
    write(tmp_path, "src/app/__init__.py", "src/app/a.py", "tool.py", ".venv/no.py")
    assert found(tmp_path, ".", "app", "src/app/a.py", "tool") == [
        ("app", "src/app/__init__.py"),
        ("app.a", "src/app/a.py"),
        ("tool", "tool.py"),
    ]


def test_a_link_is_no_second_module(tmp_path: Path) -> None:
    """A file that is reached in two ways is collected once."""
    write(tmp_path, "app/__init__.py")
    (tmp_path / "linked").symlink_to(tmp_path / "app")
    assert found(tmp_path, "app", "linked") == [("app", "app/__init__.py")]


def test_a_namespace_may_have_parts_in_several_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python has it: all parts count, until one is a regular package."""
    write(
        tmp_path, "root/space/a.py", "root/src/space/b.py", "else/space/c/__init__.py"
    )
    monkeypatch.setattr(sys, "path", ["", str(tmp_path / "else")])
    names = [m.name for m in find_modules(["space"], str(tmp_path / "root"))]
    assert names == ["space.c", "space.a", "space.b"]
    (only,) = find_modules(["space.c"], str(tmp_path / "root"))
    assert (only.name, only.base) == ("space.c", str(tmp_path / "else"))


def test_a_path_outside_of_the_project_has_its_folder_as_base(tmp_path: Path) -> None:
    """There is nothing else from which its name could begin."""
    write(tmp_path, "else/tool.py")
    (only,) = find_modules([str(tmp_path / "else/tool.py")], str(tmp_path / "root"))
    assert (only.name, only.base) == ("tool", str(tmp_path / "else"))


@pytest.mark.parametrize(
    ("name", "can_be_imported"),
    [("__main__.py", False), ("0001_first.py", True), ("a.b.py", False)],
)
def test_what_would_run_or_has_no_name_is_not_imported(
    tmp_path: Path, name: str, *, can_be_imported: bool
) -> None:
    """It is scanned all the same."""
    write(tmp_path, f"app/{name}")
    (only,) = find_modules(["app"], str(tmp_path))
    assert only.can_be_imported is can_be_imported


@pytest.mark.parametrize(
    ("name", "package"),
    [("__init__.py", "app"), ("users.py", "app"), ("sub/a.py", "app.sub")],
)
def test_relative_imports_begin_at_the_package(
    tmp_path: Path, name: str, package: str
) -> None:
    """A package's own module begins at itself."""
    write(tmp_path, f"app/{name}")
    (only,) = find_modules(["app"], str(tmp_path))
    assert only.package == package


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "ap",
            (
                "no package or module is named `ap`, in {root} or its `src`; did you "
                "mean `app`?"
            ),
        ),
        (
            "app.user",
            (
                "no package or module is named `app.user`, in {root} or its `src`; did "
                "you mean `app.users`?"
            ),
        ),
        (
            "unheard_of",
            (
                "no package or module is named `unheard_of`, in {root} or its `src`; "
                "name one, or the path of one"
            ),
        ),
        (
            "tool.x",
            (
                "no package or module is named `tool.x`, in {root} or its `src`; name "
                "one, or the path of one"
            ),
        ),
        ("src/ap", "there is no `src/ap` in {root}"),
    ],
)
def test_a_package_that_does_not_exist_is_misuse(
    tmp_path: Path, name: str, message: str
) -> None:
    """The error names it, and what has a name near to it."""
    write(tmp_path, "src/app/__init__.py", "src/app/users.py", "tool.py", "apple.txt")
    with pytest.raises(ConfigurationError) as raised:
        find_modules([name], str(tmp_path))
    assert str(raised.value) == message.format(root=tmp_path)
