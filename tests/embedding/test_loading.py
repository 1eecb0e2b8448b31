"""A model of one's own: installed as a distribution, named by its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from smally.embedding.hashed import HashedEmbedder
from smally.embedding.loading import EmbedderNotFound, load_embedder

if TYPE_CHECKING:
    from pathlib import Path

VOWELS = dedent('''
    """An embedder that counts vowels."""

    from __future__ import annotations

    from typing import TYPE_CHECKING

    import numpy as np

    if TYPE_CHECKING:
        from collections.abc import Sequence

        from numpy.typing import NDArray


    class Vowels:
        """Count a, e, i, o and u."""

        name = "vowels-5"
        dimensions = 5

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            """Give a row a text."""
            rows = [[text.count(vowel) for vowel in "aeiou"] for text in texts]
            return np.array(rows, np.float32)
''')

FAULTY = dedent("""
    class Nameless:
        name = ""

    class Flat:
        name, dimensions = "flat", 0

    class Mute:
        name, dimensions = "mute", 3

    def weights():
        raise OSError("no weights\\nin the cache")
""")

PROGRAM = dedent("""
    import asyncio
    import json

    from smally.embedding.engine import Embeddings
    from smally.embedding.loading import load_embedder

    async def main():
        embeddings = Embeddings(load_embedder("vowels"))
        arrays = await embeddings.embed(["banana", "queue"], normalize=False)
        print(embeddings.model, embeddings.dimensions)
        print(json.dumps([json.loads(bytes(array)) for array in arrays]))
        await embeddings.close()

    asyncio.run(main())
""")


def install(folder: Path, distribution: str, **embedders: str) -> None:
    """Put a distribution's metadata into a folder of the path, as pip does."""
    metadata = folder / f"{distribution}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    )
    lines = [f"{name} = {value}\n" for name, value in embedders.items()]
    (metadata / "entry_points.txt").write_text(f"[smally.embedders]\n{''.join(lines)}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder where distributions are installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def refusal(name: str) -> str:
    """Give the message for a name that cannot be used."""
    with pytest.raises(EmbedderNotFound) as refused:
        load_embedder(name)
    return str(refused.value)


def test_the_built_in_one_needs_no_entry_point(site: Path) -> None:
    """`hashed` is ours, also where another distribution has one of this name."""
    install(site, "impostor", hashed="impostor:Embedder")
    assert isinstance(load_embedder("hashed"), HashedEmbedder)


def test_an_installed_model_is_served(tmp_path: Path) -> None:
    """A process that finds the distribution on its path answers with its vectors."""
    (tmp_path / "acme_vowels.py").write_text(VOWELS)
    install(tmp_path, "acme_vowels", vowels="acme_vowels:Vowels")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == "vowels-5 5"
    assert json.loads(second) == [[3, 0, 0, 0, 0], [0, 2, 0, 0, 2]]


def test_a_name_that_nothing_has_lists_those_that_are_there(site: Path) -> None:
    """The names of all that is installed are in the message, in order."""
    install(site, "acme_vowels", vowels="acme_vowels:Vowels", a="acme_vowels:A")
    assert refusal("vowel") == (
        "SMALLY_EMBEDDER is 'vowel': no such embedder; installed: a, hashed, vowels"
    )


def test_two_models_of_one_name_are_refused(site: Path) -> None:
    """Which one would be served must not depend on the order of the path."""
    install(site, "acme_vowels", vowels="acme_vowels:Vowels")
    install(site, "other", vowels="other:Vowels")
    assert refusal("vowels") == (
        "SMALLY_EMBEDDER is 'vowels': two embedders have this name: "
        "acme_vowels:Vowels and other:Vowels; uninstall one"
    )


def test_a_model_that_two_distributions_name_is_one(site: Path) -> None:
    """Two names of one model contradict nothing."""
    (site / "twice_vowels.py").write_text(VOWELS)
    for distribution in ("twice_vowels", "twice_vowels_gpu"):
        install(site, distribution, twice="twice_vowels:Vowels")
    assert load_embedder("twice").name == "vowels-5"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("missing:Model", "ModuleNotFoundError: No module named 'missing'"),
        ("faulty:no", "AttributeError: module 'faulty' has no attribute 'no'"),
        ("faulty:weights", "OSError: no weights in the cache"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(
    site: Path, value: str, fault: str
) -> None:
    """One line names the variable, the entry point and what Python said."""
    (site / "faulty.py").write_text(FAULTY)
    install(site, "acme_faulty", mine=value)
    assert refusal("mine") == (
        f"SMALLY_EMBEDDER is 'mine': {value} cannot be loaded: {fault}"
    )


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("faulty:Nameless", "its name is '', where a text is due"),
        ("faulty:Flat", "its dimensions are 0, where a positive int is due"),
        ("faulty:Mute", "it has no method embed"),
    ],
)
def test_what_is_no_embedder_is_refused(site: Path, value: str, fault: str) -> None:
    """What does not fit the protocol is found at the start, not by a request."""
    (site / "faulty.py").write_text(FAULTY)
    install(site, "acme_faulty", mine=value)
    assert refusal("mine") == (
        f"SMALLY_EMBEDDER is 'mine': {value} is no embedder: {fault}"
    )
