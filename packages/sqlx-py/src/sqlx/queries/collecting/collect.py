"""Collects the checked queries of packages, from their text and their annotations.

Theory of operation: the text of each module shows its queries, with their SQL and their
places; what classes its annotations name can be known only when it is imported. That is
done in another process, for the modules that have queries: what it cannot import is a
finding, and the SQL is checked all the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlx.queries.collecting.finishing import finish
from sqlx.queries.collecting.importing import Wanted, import_modules
from sqlx.queries.collecting.modules import find_modules
from sqlx.queries.collecting.scan import Scanned, passed_on, scan
from sqlx.queries.collecting.scopes import walk
from sqlx.queries.collecting.source import read_source
from sqlx.queries.collecting.texts import Module, relative
from sqlx.queries.sites import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlx.queries.collecting.drafts import Draft
    from sqlx.queries.collecting.evidence import Evidence
    from sqlx.queries.collecting.importing import Failure
    from sqlx.queries.collecting.modules import ModuleFile
    from sqlx.queries.sites import Place, Site

__all__ = ["Collected", "collect"]


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found in packages.

    Args:
        sites: The queries that can be checked, in the order of their places.
        findings: What is wrong already, but for what comments silence.
        modules: In how many modules queries stand.
        unchecked_arguments: How many arguments have no type that is evident; `*args`
            counts as one.
    """

    sites: tuple[Site, ...]
    findings: tuple[Finding, ...]
    modules: int
    unchecked_arguments: int


def collect(
    packages: Sequence[str], root: str, *, timeout_seconds: float = 60.0
) -> Collected:
    """Find the checked queries of packages; nothing of theirs is imported here.

    Args:
        packages: Packages or modules, as they are imported; or paths of directories
            and of `.py` files.
        root: The project's directory: paths in findings are relative to it.
        timeout_seconds: How long the import of one module may take.

    Raises:
        ConfigurationError: There is no such package, module or path.
    """
    root = os.path.abspath(root)
    files = find_modules(packages, root)
    modules, findings = _read(files, root)
    known = passed_on((file.name, module) for file, module in modules.items())
    scans = {file: scan(module, known) for file, module in modules.items()}
    wanted = [
        Wanted(file, _evidence(scanned))
        for file, scanned in scans.items()
        if scanned.drafts and file.can_be_imported
    ]
    paths = [file.file for file in files]
    imported = import_modules(wanted, paths, root, timeout_seconds)
    findings += _failed(imported.failures, findings, root)
    sites: list[Site] = []
    for file, scanned in scans.items():
        findings += scanned.findings
        for draft in scanned.drafts:
            site, wrong = finish(draft, imported.types.get(file.file))
            sites += [] if site is None else [site]
            findings += wrong
    return Collected(
        tuple(sorted(sites, key=lambda s: _order(s.place))),
        tuple(sorted(findings, key=_order)),
        sum(1 for scanned in scans.values() if scanned.drafts),
        sum(_unchecked(site) for site in sites),
    )


def _order(place: Place | Finding) -> tuple[str, int, int]:
    return place.path, place.line or 0, place.column or 0


def _read(
    files: Sequence[ModuleFile], root: str
) -> tuple[dict[ModuleFile, Module], list[Finding]]:
    """Read and parse what may have queries, and tell what cannot be read."""
    modules, findings = {}, []
    for file in files:
        source = read_source(file.file, relative(file.file, root))
        if isinstance(source, Finding):
            findings.append(source)
        elif source is not None:
            modules[file] = Module(source, walk(source.tree, file.package), root)
    return modules, findings


def _evidence(scanned: Scanned) -> tuple[Evidence, ...]:
    """List what is to be looked up in a module, each once."""
    found = (evidence for draft in scanned.drafts for evidence in _shown_by(draft))
    return tuple(dict.fromkeys(evidence for evidence in found if evidence is not None))


def _shown_by(draft: Draft) -> Iterator[Evidence | None]:
    yield draft.returns
    yield draft.connection
    for argument in draft.arguments or ():
        yield argument.evidence


def _failed(
    failures: Sequence[Failure], known: Sequence[Finding], root: str
) -> list[Finding]:
    """Tell what cannot be imported, but for what the parser has said better."""
    broken = {finding.path for finding in known}
    places = [(relative(failure.file, root), failure) for failure in failures]
    return [
        Finding(path, Severity.ERROR, "import", failure.message, failure.line)
        for path, failure in places
        if path not in broken
    ]


def _unchecked(site: Site) -> int:
    if site.parameters is None:
        return 1
    return sum(parameter.annotation is None for parameter in site.parameters)
