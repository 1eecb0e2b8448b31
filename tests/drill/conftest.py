"""What the drill's tests share: one clone, one host, and one story in their order."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from drill.desk import Desk
from drill.host import NAME, Host, missing, running
from drill.images import Images
from drill.reader import Reader
from drill.releases import clone_of, git

if TYPE_CHECKING:
    from collections.abc import Iterator

FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was measured."""
    terminalreporter.section("what the drill measured")
    for name, value in config.stash.get(FIGURES, {}).items():
        terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """Keep what is measured, by its name."""
    return pytestconfig.stash.setdefault(FIGURES, {})


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    """Skip where no hosts can be made."""
    if lacking := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{lacking} is missing")
        pytest.skip(f"needs {lacking}")


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Lend a folder for the clone and the images."""
    with tempfile.TemporaryDirectory(prefix="smally-drill-", dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def images(place: Path) -> Iterator[Images]:
    """Lend the image that a build in containers starts from."""
    images = Images(place / "images")
    images.make()
    yield images
    images.remove()


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """Lend the host of the story."""
    with running(f"story{os.getpid()}") as host:
        yield host


@pytest.fixture(scope="session")
def desk(place: Path, host: Host, images: Images) -> Desk:
    """Lend a clone of the repository in which the inventory names the host."""
    clone = clone_of(place / "clone")
    git(clone, "config", "user.name", "Drill")
    git(clone, "config", "user.email", "drill@example.com")
    inventory = clone / "ansible/inventory/hosts.yml"
    named = inventory.read_text().replace("smally.example.com", NAME)
    inventory.write_text(named)
    return Desk(clone, host, "correct horse battery", images)


@pytest.fixture(scope="session")
def reader(desk: Desk) -> Reader:
    """Lend a reader of the documents, who sits at the desk."""
    return Reader(desk)


@pytest.fixture(scope="session")
def snapshot() -> Iterator[Host]:
    """Lend the name of a host that never runs: the story's, to be copied."""
    snapshot = Host(f"snapshot{os.getpid()}")
    yield snapshot
    snapshot.remove()
