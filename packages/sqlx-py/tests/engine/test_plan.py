"""What will be done is decided by values alone: files, history, target."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import migration, source

from sqlx.engine.news import Change, Info, InfoRow, Outcome, Report, State
from sqlx.engine.plan import (
    Applied,
    History,
    Plan,
    check_target,
    plan_info,
    plan_revert,
    plan_run,
)
from sqlx.errors import (
    Dirty,
    Irreversible,
    VersionMismatch,
    VersionMissing,
    VersionNotPresent,
    VersionTooNew,
    VersionTooOld,
)
from sqlx.migrations.migration import (
    Direction,
    Kind,
    Migration,
    SourceWarning,
    checksum,
)

ONE, TWO, THREE = (migration(version) for version in (1, 2, 3))
UPS = [migration(version, kind=Kind.UP) for version in (1, 2, 3)]
DOWNS = [migration(version, "DROP TABLE t", Kind.DOWN) for version in (1, 2, 3)]
PAIRS = source(*[m for pair in zip(UPS, DOWNS, strict=True) for m in pair])


def applied(
    found: Migration, *, success: bool = True, sql: str | None = None
) -> Applied:
    """Make the history's row of a migration."""
    stored = found.checksum if sql is None else checksum(sql)
    return Applied(found.version, found.description, success, stored)


def history(*rows: Applied) -> History:
    """Make a history."""
    return History(rows, "public._sqlx_migrations")


def can(found: Migration) -> Change:
    """Expect a migration to be carried out."""
    return Change(found, Outcome.CAN_APPLY)


def skipped(found: Migration) -> Change:
    """Expect a migration to be left alone, as beyond the target."""
    return Change(found, Outcome.SKIPPED)


def test_a_fresh_database_gets_all_files_oldest_first() -> None:
    """With no history, everything is applied, in the source's order."""
    plan = plan_run(source(ONE, TWO), history())
    assert plan == Plan((can(ONE), can(TWO)), already_applied=0)
    assert plan.todo == (ONE, TWO)


def test_what_is_applied_is_not_applied_again() -> None:
    """Only the pending migrations are planned, and the others are counted."""
    plan = plan_run(source(ONE, TWO), history(applied(ONE)))
    assert plan == Plan((can(TWO),), already_applied=1)


def test_an_older_pending_file_is_applied_all_the_same() -> None:
    """A pending version below the newest applied one is applied, as SQLx does."""
    plan = plan_run(source(ONE, TWO), history(applied(TWO)))
    assert plan == Plan((can(ONE),), already_applied=1)


def test_a_run_passes_over_down_files() -> None:
    """Down files are neither applied nor counted in a run."""
    plan = plan_run(PAIRS, history(applied(UPS[0])))
    assert plan == Plan((can(UPS[1]), can(UPS[2])), already_applied=1)


def test_a_target_is_included_and_what_is_newer_is_skipped() -> None:
    """Pending versions above the target are told as skipped."""
    plan = plan_run(source(ONE, TWO, THREE), history(), target=2)
    assert plan == Plan((can(ONE), can(TWO), skipped(THREE)))
    assert plan.todo == (ONE, TWO)


def test_the_latest_applied_version_is_a_target_that_changes_nothing() -> None:
    """Running to what is applied is a success with nothing to do."""
    plan = plan_run(source(ONE, TWO), history(applied(ONE)), target=1)
    assert plan == Plan((skipped(TWO),), already_applied=1)
    assert plan.todo == ()


def test_a_run_does_not_go_back_to_an_older_target() -> None:
    """A target below the newest applied version is refused."""
    with pytest.raises(VersionTooOld) as caught:
        plan_run(source(ONE, TWO), history(applied(ONE), applied(TWO)), target=1)
    assert (caught.value.version, caught.value.latest) == (1, 2)


def test_a_negative_target_is_too_old_even_for_an_empty_database() -> None:
    """The latest version of an empty history is 0, as in SQLx."""
    early = migration(-1)
    with pytest.raises(VersionTooOld) as caught:
        plan_run(source(early), history(), target=-1)
    assert (caught.value.version, caught.value.latest) == (-1, 0)


def test_a_dirty_version_stops_everything_else() -> None:
    """The lowest FALSE row is named first of all that is wrong, in SQLx's order."""
    rows = history(applied(TWO, success=False), applied(THREE, success=False))
    for plan in (plan_run, plan_revert):
        with pytest.raises(Dirty) as caught:
            plan(source(ONE), rows, target=1)
        assert caught.value.version == 2
        assert caught.value.table == "public._sqlx_migrations"


def test_all_missing_versions_are_named() -> None:
    """What the history knows and the files do not is listed with its description."""
    rows = history(applied(ONE), applied(TWO), applied(THREE))
    for plan in (plan_run, plan_revert):
        with pytest.raises(VersionMissing) as caught:
            plan(source(TWO), rows)
        assert caught.value.versions == (1, 3)
        assert caught.value.descriptions == ("m", "m")
        assert caught.value.source == "migrations"


def test_missing_versions_may_be_ignored() -> None:
    """With ignore_missing, the rest is planned as ever."""
    rows = history(applied(ONE), applied(TWO))
    plan = plan_run(source(TWO, THREE), rows, ignore_missing=True)
    assert plan == Plan((can(THREE),), already_applied=1)


def marked(rows: History, *versions: int) -> History:
    """Record versions as compatible."""
    return replace(rows, compatible=frozenset(versions))


def going_on(version: int) -> SourceWarning:
    """Expect that a version without a file is no hindrance."""
    return SourceWarning(
        "compatible",
        "migrations",
        f"migration {version} (m) is applied and has no file here; it is marked "
        "compatible, so a run goes on",
    )


def test_a_missing_version_that_is_marked_is_no_hindrance() -> None:
    """The rest is planned as ever, older pending files too, and it is told."""
    rows = marked(history(applied(TWO), applied(THREE)), 2, 3)
    plan = plan_run(source(ONE, TWO), rows)
    assert plan == Plan((can(ONE),), already_applied=1, warnings=(going_on(3),))


def test_what_is_missing_and_not_marked_is_named_alone() -> None:
    """The mark of one version is not that of another."""
    rows = marked(history(applied(ONE), applied(TWO), applied(THREE)), 3)
    for plan in (plan_run, plan_revert):
        with pytest.raises(VersionMissing) as caught:
            plan(source(TWO), rows)
        assert caught.value.versions == (1,)


def test_a_mark_does_not_clean_what_is_dirty() -> None:
    """A FALSE row stops everything, with or without a file."""
    rows = marked(history(applied(ONE), applied(TWO, success=False)), 2)
    for plan in (plan_run, plan_revert):
        with pytest.raises(Dirty):
            plan(source(ONE), rows)


def test_a_target_below_a_marked_version_is_too_old() -> None:
    """As with `ignore_missing`: the newest applied version is what it is."""
    rows = marked(history(applied(ONE), applied(TWO)), 2)
    with pytest.raises(VersionTooOld) as caught:
        plan_run(source(ONE), rows, target=1)
    assert caught.value.latest == 2


def test_a_revert_does_not_pass_over_a_marked_version_without_a_file() -> None:
    """Nothing older goes back in its place; between others it is only told."""
    rows = marked(history(applied(UPS[0]), applied(TWO)), 2)
    plan = plan_revert(source(UPS[0], DOWNS[0]), rows)
    assert plan == Plan(
        (),
        blocked_by="migration 2 is the newest applied one and has no file here; "
        "restore its files, or write a new migration that reverses it",
    )
    with pytest.raises(Irreversible):
        plan_revert(source(UPS[0], DOWNS[0]), rows, target=0)
    rows = marked(history(applied(TWO), applied(UPS[2])), 2)
    plan = plan_revert(source(UPS[2], DOWNS[2]), rows)
    assert plan == Plan((can(DOWNS[2]),), warnings=(going_on(2),))


def test_info_shows_what_is_marked() -> None:
    """With a file, without one, dirty, and pending by what the file says."""
    pending = migration(5, compatible=True)
    rows = marked(
        history(
            applied(ONE), applied(TWO), applied(THREE), applied(DOWNS[0], success=False)
        ),
        1,
        2,
    )
    told = plan_info(source(TWO, pending), rows)
    assert [(row.version, row.state, row.compatible) for row in told.rows] == [
        (1, State.COMPATIBLE, True),
        (1, State.DIRTY, True),
        (2, State.INSTALLED, True),
        (3, State.MISSING, False),
        (5, State.PENDING, True),
    ]
    assert told.warnings == (going_on(1),)


def test_a_lone_down_file_is_enough_to_be_present() -> None:
    """Presence counts any file of the version, as in SQLx."""
    plan = plan_run(source(DOWNS[0], TWO), history(applied(ONE)))
    assert plan == Plan((can(TWO),), already_applied=0)


def test_a_changed_file_is_refused_though_older_files_are_pending() -> None:
    """Checksums are compared before anything is applied; SQLx applies 1 first."""
    rows = history(applied(TWO, sql="CREATE TABLE other (id BIGINT)"))
    with pytest.raises(VersionMismatch) as caught:
        plan_run(source(ONE, TWO), rows)
    assert (caught.value.version, caught.value.path) == (2, "migrations/2_m.sql")


def test_the_target_is_judged_before_the_files() -> None:
    """VersionTooOld goes before VersionMismatch, as in SQLx."""
    rows = history(applied(ONE), applied(TWO, sql="CREATE TABLE other (id BIGINT)"))
    with pytest.raises(VersionTooOld):
        plan_run(source(ONE, TWO), rows, target=1)


def test_a_revert_does_not_compare_checksums() -> None:
    """An edited file does not stand in the way back, as in SQLx."""
    rows = history(applied(UPS[0], sql="CREATE TABLE other (id BIGINT)"))
    assert plan_revert(PAIRS, rows).todo == (DOWNS[0],)


def test_other_line_endings_are_accepted_with_a_warning() -> None:
    """A file that differs by CRLF alone runs, and a person hears how to restore it."""
    sql = "CREATE TABLE t (\n id BIGINT\n)"
    changed = migration(1, sql.replace("\n", "\r\n"))
    plan = plan_run(source(changed), history(applied(ONE, sql=sql)))
    assert plan.already_applied == 1
    assert plan.warnings == (
        SourceWarning(
            "line-endings",
            "migrations/1_m.sql",
            "differs from what was applied, by line endings or a byte order mark only;"
            " restore it (`*.sql text eol=lf` in .gitattributes): SQLx refuses it",
        ),
    )


def test_a_revert_undoes_the_newest_applied_migration() -> None:
    """Without a target, one migration goes back."""
    plan = plan_revert(PAIRS, history(applied(UPS[0]), applied(UPS[1])))
    assert plan == Plan((can(DOWNS[1]),))


def test_a_revert_with_a_target_keeps_the_target() -> None:
    """All that is newer goes back, newest first; the rest is told as skipped."""
    rows = history(*map(applied, UPS))
    plan = plan_revert(PAIRS, rows, target=1)
    assert plan == Plan((can(DOWNS[2]), can(DOWNS[1]), skipped(DOWNS[0])))


def test_a_revert_to_zero_undoes_everything_above_it() -> None:
    """Target 0 is "before all": no file need have it."""
    rows = history(applied(UPS[0]), applied(UPS[1]))
    assert plan_revert(PAIRS, rows, target=0).todo == (DOWNS[1], DOWNS[0])


def test_a_revert_to_the_latest_version_changes_nothing() -> None:
    """Reverting to where one stands is a success."""
    rows = history(applied(UPS[0]), applied(UPS[1]))
    plan = plan_revert(PAIRS, rows, target=2)
    assert plan == Plan((skipped(DOWNS[1]), skipped(DOWNS[0])))


def test_a_revert_does_not_go_forward() -> None:
    """A target above the newest applied version is refused."""
    with pytest.raises(VersionTooNew) as caught:
        plan_revert(PAIRS, history(applied(UPS[0])), target=2)
    assert (caught.value.version, caught.value.latest) == (2, 1)


def test_an_empty_history_has_nothing_to_revert() -> None:
    """Nothing is planned and nothing stands in the way."""
    assert plan_revert(PAIRS, history()) == Plan(())


def test_a_revert_never_passes_over_the_newest_migration() -> None:
    """SQLx would undo an older one instead; here nothing is done and it is said why."""
    rows = history(applied(UPS[0]), applied(TWO))
    plan = plan_revert(source(UPS[0], DOWNS[0], TWO), rows)
    assert plan == Plan(
        (),
        blocked_by="migrations/2_m.sql: migration 2 has no down file; write a new "
        "migration that reverses it, or put the SQL that does into "
        "migrations/2_m.down.sql",
    )


def test_a_down_file_beside_a_simple_one_makes_it_revertible() -> None:
    """`2_m.sql` and `2_m.down.sql` are a pair."""
    rows = history(applied(TWO))
    assert plan_revert(source(TWO, DOWNS[1]), rows).todo == (DOWNS[1],)


def test_a_revert_to_a_target_is_refused_as_a_whole() -> None:
    """One version without a way back stops all of them, before anything is undone."""
    up = migration(1, kind=Kind.UP)
    rows = history(applied(up), applied(TWO), applied(UPS[2]))
    with pytest.raises(Irreversible) as caught:
        plan_revert(source(up, TWO, UPS[2], DOWNS[2]), rows, target=0)
    assert str(caught.value) == (
        "migrations/2_m.sql: migration 2 has no down file; write a new migration that "
        "reverses it, or put the SQL that does into migrations/2_m.down.sql; nothing "
        "was reverted"
    )


def test_the_name_of_a_lacking_down_file_is_that_of_its_up_file() -> None:
    """`3_m.up.sql` lacks `3_m.down.sql`."""
    plan = plan_revert(source(UPS[2]), history(applied(UPS[2])))
    assert plan.blocked_by.endswith("into migrations/3_m.down.sql")


def test_what_has_no_file_at_all_cannot_be_reverted() -> None:
    """An ignored missing version that is the newest one stands in the way."""
    rows = history(applied(ONE), applied(TWO))
    plan = plan_revert(source(ONE), rows, ignore_missing=True)
    assert plan == Plan(
        (),
        blocked_by="migration 2 is the newest applied one and has no file here; "
        "restore its files, or write a new migration that reverses it",
    )


def test_an_irreversible_version_that_stays_is_in_nobodys_way() -> None:
    """Only what is newer than the target needs a down file."""
    rows = history(applied(ONE), applied(UPS[1]))
    plan = plan_revert(source(ONE, UPS[1], DOWNS[1]), rows, target=1)
    assert plan == Plan((can(DOWNS[1]),))


def test_a_target_without_a_file_is_refused_before_any_connection() -> None:
    """No file has version 4; a down file's version is one."""
    check_target(PAIRS, None)
    check_target(PAIRS, 3)
    with pytest.raises(VersionNotPresent) as caught:
        check_target(PAIRS, 4)
    assert (caught.value.version, caught.value.source) == (4, "migrations")


def test_info_puts_files_and_history_side_by_side() -> None:
    """Each state that a version can have is told, in order of version."""
    four, five = migration(4), migration(5)
    changed = Applied(
        2,
        "m",
        success=True,
        checksum=b"\x02" * 48,
        installed_on="2026-01-02T03:04:05Z",
        elapsed_ns=1500,
    )
    rows = history(
        Applied(
            0,
            "gone",
            success=True,
            checksum=b"\x00" * 48,
            installed_on="2026-01-01T00:00:00Z",
            elapsed_ns=7,
        ),
        applied(ONE),
        changed,
        applied(THREE, success=False),
        Applied(6, "gone too", success=False, checksum=b"\x06" * 48),
    )
    told = plan_info(source(ONE, TWO, THREE, four, five, DOWNS[0]), rows)
    assert [(row.version, row.description, row.state) for row in told.rows] == [
        (0, "gone", State.MISSING),
        (1, "m", State.INSTALLED),
        (2, "m", State.CHANGED),
        (3, "m", State.DIRTY),
        (4, "m", State.PENDING),
        (5, "m", State.PENDING),
        (6, "gone too", State.DIRTY),
    ]
    assert told.table == "public._sqlx_migrations"
    assert told.rows[0] == InfoRow(
        0,
        "gone",
        State.MISSING,
        stored_checksum=b"\x00" * 48,
        installed_on="2026-01-01T00:00:00Z",
        elapsed_ns=7,
    )
    assert told.rows[2] == InfoRow(
        2,
        "m",
        State.CHANGED,
        "migrations/2_m.sql",
        TWO.checksum,
        b"\x02" * 48,
        "2026-01-02T03:04:05Z",
        1500,
    )
    assert told.rows[4] == InfoRow(
        4, "m", State.PENDING, "migrations/4_m.sql", four.checksum
    )


def test_info_of_nothing_is_empty() -> None:
    """No files and no history make no rows."""
    assert plan_info(source(), history()) == Info((), "public._sqlx_migrations")


def test_a_report_lists_what_was_applied_just_now() -> None:
    """Skipped migrations are in the changes and not among the applied."""
    report = Report((Change(ONE, Outcome.APPLIED, 5), skipped(TWO)))
    assert report.applied == (ONE,)


def test_a_change_goes_up_or_down_as_its_file_does() -> None:
    """The direction is the file's."""
    assert can(ONE).direction is Direction.UP
    assert can(UPS[0]).direction is Direction.UP
    assert can(DOWNS[0]).direction is Direction.DOWN
