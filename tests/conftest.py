"""What the tests share: running services, and a folder that everybody can reach."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from service import Smally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service import Connection


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Smally]]:
    """Start services in an empty directory; kill what a failed test leaves."""
    with ExitStack() as stack:

        def start_one(*options: str, **environ: str) -> Smally:
            smally = Smally(tmp_path, environ, options)
            stack.callback(smally.process.wait)
            stack.callback(smally.process.kill)
            return smally

        yield start_one


@pytest.fixture
def role(db: Connection) -> Iterator[str]:
    """Make a role that may connect and owns nothing; it is gone afterwards."""
    name = f"app_of_{db.info.dbname}"
    db.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    db.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def public() -> Iterator[Path]:
    """Make a folder that every account can reach, as pytest's are not."""
    with TemporaryDirectory(prefix="smally-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
