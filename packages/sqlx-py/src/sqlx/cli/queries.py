"""`sqlx prepare` and `sqlx check`: queries in source, against a database or cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlx.cli.findings import as_github, as_json, as_text
from sqlx.cli.project import open_project
from sqlx.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from sqlx.cli.output import Output
    from sqlx.cli.project import Project as Settings
    from sqlx.prepare import Project, Verdict

__all__ = ["check", "is_offline", "prepare", "project_of"]

PRINTERS = {"text": as_text, "json": as_json, "github": as_github}
WRONG = 1


def prepare(options: argparse.Namespace, output: Output) -> int:
    """Check the queries, and write `.sqlx/`, or look whether it is as it should be."""
    from sqlx.prepare import prepare as carry_out

    settings = open_project(options, output)
    project = project_of(settings, packages_of(settings))
    verdict = carry_out(
        project, check=options.check, prune=options.prune, fresh=options.fresh
    )
    _print(verdict, options.format, output)
    where = project.target.directory
    if verdict.queries == 0:
        output.warning("no queries found")
    if not verdict.is_right:
        if options.check:
            output.note("prepare check failed; you should re-run sqlx prepare")
        else:
            output.note(f"nothing was written: {where} is as it was")
        return WRONG
    for name in verdict.removed:
        output.note(f"removed {os.path.join(where, name)}")
    if verdict.unused:
        output.warning(
            f"potentially unused queries found in {where}: {len(verdict.unused)} "
            "files belong to none of these packages; `sqlx prepare --prune` removes "
            "them, also when another program uses them"
        )
    if verdict.queries and not options.check and options.format == "text":
        output.line(
            f"query data written to {where} in the current directory; "
            "please check this into version control"
        )
    return 0


def check(options: argparse.Namespace, output: Output) -> int:
    """Check the queries against the database, or offline; write nothing."""
    from sqlx.prepare import check as carry_out

    settings = open_project(options, output)
    offline = options.offline or is_offline()
    project = project_of(settings, packages_of(settings), offline=offline)
    verdict = carry_out(project, offline=offline)
    _print(verdict, options.format, output)
    return 0 if verdict.is_right else WRONG


def project_of(
    settings: Settings, packages: tuple[str, ...], *, offline: bool = False
) -> Project:
    """Make the library's project, as the options and `sqlx.toml` say."""
    from sqlx.describing import Way
    from sqlx.prepare import KINDS, Project
    from sqlx.queries.values import SqlxVersion

    options, said = settings.options, settings.settings
    version = getattr(options, "sqlx_version", None) or said.sqlx_version
    kind = options.scratch or said.scratch_database
    variable = os.environ.get(said.database_url_var, "")
    has_url = options.database_url is not None or variable != ""
    # A scratch database of MySQL is made on the server of the URL.
    asked = not offline and options.scratch in {None, "mysql"} and has_url
    return Project(
        packages=packages,
        way=Way(
            settings.migrator(lambda _: None),
            version=SqlxVersion(version),
            at_once=getattr(options, "jobs", 100),
            connect_timeout_seconds=options.connect_timeout,
            extensions=said.sqlite_extensions,
        ),
        database_url=settings.url() if asked else "",
        scratch=KINDS[kind] if kind and (options.scratch or not asked) else None,
        offline_dir=os.environ.get("SQLX_OFFLINE_DIR", ""),
    )


def packages_of(settings: Settings) -> tuple[str, ...]:
    """Choose the packages: the arguments, else what `sqlx.toml` says.

    Raises:
        ConfigurationError: There are neither.
    """
    packages = tuple(settings.options.packages) or settings.settings.packages
    if not packages:
        raise ConfigurationError(
            "which packages? Name them, as they are imported or by their paths, or put "
            'them into `sqlx.toml`: [prepare] packages = ["app"]'
        )
    return packages


def is_offline() -> bool:
    """Read SQLX_OFFLINE as SQLx does: `true` in any case, or `1`."""
    return os.environ.get("SQLX_OFFLINE", "").lower() in {"true", "1"}


def _print(verdict: Verdict, form: str, output: Output) -> None:
    for line in PRINTERS[form](verdict.findings):
        output.line(line)
    counts = [
        _count(verdict.queries, "query", "queries")
        + f" in {_count(verdict.modules, 'module', 'modules')}"
    ]
    errors = sum(f.severity.value == "error" for f in verdict.findings)
    warnings = len(verdict.findings) - errors
    counts.append(_count(errors, "error", "errors"))
    if warnings:
        counts.append(_count(warnings, "warning", "warnings"))
    if verdict.unchecked_arguments:
        words = _count(verdict.unchecked_arguments, "argument", "arguments")
        counts.append(f"{words} not checked, whose type is not evident")
    if verdict.unproved:
        words = _count(verdict.unproved, "query", "queries")
        counts.append(f"what may be NULL in {words} is SQLx's word")
    output.note(", ".join(counts))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
