"""API keys: their form, their checksum, what is stored and what is shown."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from smally.auth.keys import display_prefix, hash_key, is_well_formed, new_key

KEY = "smk_" + "A" * 43 + "0cMXpk"
CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126)


def test_the_form_never_changes() -> None:
    """A key that was made once is recognised for ever, by its checksum too."""
    assert is_well_formed(KEY)
    assert hash_key(KEY) == sha256(KEY.encode()).digest()
    assert display_prefix(KEY) == "smk_AAAAAAAA"


def test_new_keys_differ_and_are_well_formed() -> None:
    """Each has 53 characters, and no two begin alike."""
    keys = [new_key() for _ in range(1000)]
    assert all(map(is_well_formed, keys))
    assert {len(key) for key in keys} == {53}
    assert len({key[:20] for key in keys}) == 1000


@given(st.integers(0, 52), CHARACTERS)
def test_a_typo_is_recognised(place: int, character: str) -> None:
    """Another character at any place makes a key that nobody can have."""
    typed = KEY[:place] + character + KEY[place + 1 :]
    assert is_well_formed(typed) == (typed == KEY)


@given(st.text(max_size=60))
def test_other_texts_are_no_keys(text: str) -> None:
    """Whatever a client sends is judged, in whatever alphabet."""
    assert not is_well_formed(text)
    assert not is_well_formed(KEY + text[:1]) or not text
    assert not is_well_formed(f"{KEY}\n")


def test_digits_of_other_alphabets_are_refused() -> None:
    """What Python takes for a letter or a digit is none in a key."""
    assert not is_well_formed("smk_" + "\u0661" * 43 + KEY[-6:])
    assert not is_well_formed(KEY.replace("A", "\N{FULLWIDTH LATIN CAPITAL LETTER A}"))
