"""Which modules are meant by a package's name or a path, found without an import."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["ModuleFile", "find_modules"]

_INIT = "__init__.py"
_ENVIRONMENT = "pyvenv.cfg"
_NO = {"__pycache__", "node_modules"}


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module's file.

    Args:
        file: Where it is, absolute.
        name: How it is imported.
        base: The directory from which its name begins.
        can_be_imported: False for `__main__`, which would run, and for a name that has
            a dot in it.
    """

    file: str
    name: str
    base: str
    can_be_imported: bool = True

    @property
    def package(self) -> str:
        """The package from which its relative imports begin."""
        is_package = os.path.basename(self.file) == _INIT
        return self.name if is_package else self.name.rpartition(".")[0]


def find_modules(packages: Sequence[str], root: str) -> tuple[ModuleFile, ...]:
    """Find all modules of some packages, each once, in the order of their files.

    Args:
        packages: Dotted names of packages and modules, found in the root, in its `src`
            or where Python looks; or paths of directories and `.py` files.
        root: The project's directory, absolute.

    Raises:
        ConfigurationError: There is no such package, module or path.
    """
    found: dict[str, ModuleFile] = {}
    for package in packages:
        for module in _modules(package, root):
            found.setdefault(os.path.realpath(module.file), module)
    return tuple(sorted(found.values(), key=lambda module: module.file))


def _modules(package: str, root: str) -> Iterator[ModuleFile]:
    if package.endswith(".py") or "/" in package or os.sep in package or package == ".":
        path = os.path.normpath(os.path.join(root, package))
        if not os.path.exists(path):
            raise ConfigurationError(f"there is no `{package}` in {root}")
        base = _climb(path) if _is_regular(path) else None
        return (_module(file, base or _base(file, root)) for file in _files(path))
    bases = [root, os.path.join(root, "src"), *filter(None, sys.path)]
    places = _places(package, bases)
    if not places:
        raise ConfigurationError(_unknown(package, root, bases))
    up = os.path.join(*[os.pardir] * (package.count(".") + 1))
    return (
        _module(file, os.path.normpath(os.path.join(place, up)))
        for place in places
        for file in _files(place)
    )


def _places(package: str, bases: Iterable[str]) -> list[str]:
    """Find a dotted name as Python does: its first directory or file that is regular.

    Returns:
        The one place, or all parts of a namespace package; none when there is none.
    """
    places = list(bases)
    for name in package.split("."):
        spaces = []
        for place in places:
            path = os.path.join(place, name)
            if os.path.isfile(os.path.join(path, _INIT)):
                spaces = [path]
                break
            if os.path.isfile(f"{path}.py"):
                spaces = [f"{path}.py"]
                break
            spaces += [path] if os.path.isdir(path) else []
        places = spaces
    return places


def _files(path: str) -> Iterator[str]:
    """List a file, or the Python files of a directory and of those in it."""
    if os.path.isfile(path):
        yield path
        return
    for directory, inner, files in os.walk(path):
        if _ENVIRONMENT in files:
            inner.clear()
            continue
        inner[:] = [name for name in inner if name.isidentifier() and name not in _NO]
        for name in files:
            if name.endswith(".py"):
                yield os.path.join(directory, name)


def _is_regular(path: str) -> bool:
    return os.path.isfile(os.path.join(path, _INIT))


def _climb(path: str) -> str:
    """Find the directory above the outermost package that a directory belongs to."""
    while _is_regular(path):
        path = os.path.dirname(path)
    return path


def _base(file: str, root: str) -> str:
    """Find from where a module's name begins: above its package, else the project."""
    directory = os.path.dirname(file)
    if _is_regular(directory):
        return _climb(directory)
    for above in (os.path.join(root, "src"), root):
        if f"{directory}{os.sep}".startswith(f"{above}{os.sep}"):
            return above
    return directory


def _module(file: str, base: str) -> ModuleFile:
    *parts, stem = os.path.relpath(file, base).removesuffix(".py").split(os.sep)
    parts += [] if stem == "__init__" else [stem]
    can_be_imported = stem != "__main__" and not any("." in part for part in parts)
    return ModuleFile(file, ".".join(parts), base, can_be_imported)


def _unknown(package: str, root: str, bases: Iterable[str]) -> str:
    """Say that a package does not exist, and which ones have names near to its."""
    above, _, name = package.rpartition(".")
    places = _places(above, bases) if above else [root, os.path.join(root, "src")]
    names = {entry for place in places for entry in _names(place)}
    near = difflib.get_close_matches(name, sorted(names), n=3)
    reason = f"no package or module is named `{package}`, in {root} or its `src`"
    if not near:
        return f"{reason}; name one, or the path of one"
    prefix = f"{above}." if above else ""
    return f"{reason}; did you mean {' or '.join(f'`{prefix}{n}`' for n in near)}?"


def _names(place: str) -> Iterator[str]:
    if not os.path.isdir(place):
        return
    for entry in os.scandir(place):
        name = entry.name.removesuffix(".py")
        if name.isidentifier() and (entry.is_dir() or name != entry.name):
            yield name
