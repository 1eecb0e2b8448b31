"""Nothing is proved that is not so: random queries, on tables full of NULLs.

By hand: `SQLX_PROOF_SEED=7 SQLX_PROOF_QUERIES=20000 pytest -m slow …/test_random.py`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from databases.sqlite_proof.tables import scratch
from databases.sqlite_proof.trial import (
    Trial,
    proofs,
    stored_as,
    trials,
    values,
)

from sqlx.databases.sqlite.describing.stored import Stored, read_stored
from sqlx.databases.sqlite.proving.proof_effects import EFFECTS
from sqlx.databases.sqlite.proving.proof_functions import COUNTS
from sqlx.databases.sqlite.proving.proof_state import State
from sqlx.databases.sqlite.proving.proof_turns import TURNS, Place, Ways
from sqlx.databases.sqlite.proving.proof_values import (
    ANYTHING,
    Value,
    nullability,
    storage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlx.databases.sqlite.describing.listing import Instruction

SEED = int(os.environ.get("SQLX_PROOF_SEED", "1"))
MANY = int(os.environ.get("SQLX_PROOF_QUERIES", "2000"))
FEW = 300
LARGEST = int(os.environ.get("SQLX_PROOF_LARGEST", "150"))  # instructions
PARTS = 4  # for as many processes
CLASSES = {"Integer": int, "Float": float, "Text": str, "Blob": bytes}
SOME = 0.15  # of the columns; most others are read from tables


@pytest.fixture(scope="module")
def stored() -> Stored:
    """What the empty tables hold."""
    return read_stored(scratch())


@pytest.fixture(scope="module")
def few() -> list[Trial]:
    """A few hundred queries, which have run."""
    return list(trials(SEED, FEW, largest=150))


def wrong(tried: Iterable[Trial], stored: Stored) -> list[str]:
    """List the queries of which something false was proved, and the column."""
    return [
        f"column {i} of {trial.sql}"
        for trial in tried
        for i, proved in enumerate(proofs(trial, stored))
        if proved and trial.nulls[i]
    ]


@pytest.mark.slow
def test_what_is_proved_is_so(few: list[Trial], stored: Stored) -> None:
    """A column where NULL came is never proved to have none."""
    assert wrong(few, stored) == []


def misread(tried: Iterable[Trial], stored: Stored) -> list[str]:
    """List the queries of which another storage class came than was proved."""
    return [
        f"column {i} of {trial.sql}"
        for trial in tried
        for i, word in enumerate(stored_as(trial, stored))
        if word in CLASSES and trial.classes[i] - {CLASSES[word]}
    ]


@pytest.mark.slow
def test_the_storage_class_that_is_proved_comes(
    few: list[Trial], stored: Stored
) -> None:
    """And no other; of a good part of the columns one is proved."""
    assert misread(few, stored) == []
    proved = [word in CLASSES for trial in few for word in stored_as(trial, stored)]
    assert sum(proved) / len(proved) > SOME


@pytest.mark.slow
def test_much_is_proved(few: list[Trial], stored: Stored) -> None:
    """Of the columns where no NULL came, a good part is proved to have none."""
    pairs = [
        (proved, null)
        for trial in few
        if trial.rows
        for proved, null in zip(proofs(trial, stored), trial.nulls, strict=True)
    ]
    never = [proved for proved, null in pairs if not null]
    assert len(pairs) > len(never) > 200
    assert sum(never) / len(never) > 0.7


def _never_null(state: State, op: Instruction, _: object) -> None:
    state.put(op.p2, ANYTHING)
    state.put(op.p3, ANYTHING)


def _on_a_row(_: State, __: int) -> int:
    return 0


def _only_on(state: State, _: Instruction, at: Place) -> Ways:
    return ((at.pc + 1, state),)


def _on_its_first_row(state: State, op: Instruction, at: Place) -> Ways:
    return ((at.pc + 1, state.stand(op.p1)),)


BROKEN: dict[str, tuple[object, str, object]] = {
    "a parameter is not NULL": (EFFECTS, "Variable", _never_null),
    "NULL is something": (EFFECTS, "Null", _never_null),
    "a function does not give NULL": (EFFECTS, "Function", _never_null),
    "an aggregate is not NULL": (COUNTS, "max(1)", ANYTHING),
    "a cursor always stands on a row": (State, "no_row", _on_a_row),
    "NULL is never found": (TURNS, "NotNull", _only_on),
    "no table is empty": (TURNS, "Rewind", _on_its_first_row),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_a_rule_that_is_broken_is_found_out(
    what: str, few: list[Trial], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any of these mistakes something false is proved, and it is seen."""
    where, name, instead = BROKEN[what]
    if isinstance(where, dict):
        monkeypatch.setitem(where, name, instead)
    else:
        monkeypatch.setattr(where, name, instead)
    assert wrong(few, stored)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_proved_is_so_of_many_queries(part: int, stored: Stored) -> None:
    """Thousands with a fixed seed; others, and larger ones, by hand."""
    tried = trials(SEED + 1 + part, MANY // PARTS, largest=LARGEST)
    false = [
        f"column {i} of {trial.sql}"
        for trial in tried
        for i, value in enumerate(values(trial, stored))
        if is_false(trial, i, value)
    ]
    assert false == []


def is_false(trial: Trial, column: int, value: Value) -> bool:
    """Tell whether NULL came, or a storage class, that was proved not to."""
    word = storage(value)
    other = word in CLASSES and trial.classes[column] - {CLASSES[word]}
    never = not nullability(value).may_be_null
    return bool(other) or (never and trial.nulls[column])
