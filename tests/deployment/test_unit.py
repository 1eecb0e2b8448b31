"""The units of systemd: valid, closed, and patient with the right failures."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

import pytest
from machine import need

from smally.config import Settings

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"


def settings(unit: str) -> dict[str, str]:
    """Read a unit; of a key that is given twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # Its case counts.
    parser.read(UNITS / unit)
    return {
        key: value for name in parser.sections() for key, value in parser[name].items()
    }


@pytest.mark.parametrize("unit", ["smally.service", "smally-backup.service"])
def test_a_service_is_hardened(unit: str) -> None:
    """The measure of exposure by systemd itself is at most 2.0 of 10."""
    need("systemd-analyze")
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--threshold=20"),
            *("--no-pager", str(UNITS / unit)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing, once the programs are in their place."""
    need("systemd-analyze")
    home = tmp_path / "home"
    live = home / "smally-api"
    for name in ("venv/bin/smally", "scripts/deployment/backup.sh"):
        (live / name).parent.mkdir(parents=True)
        (live / name).touch(mode=0o755)
    for path in UNITS.iterdir():
        text = path.read_text().replace("/home/smally", str(home))
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.glob("smally*"))],
        check=False,
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if "smally" in line]
    assert ours == []


def test_a_failing_service_is_given_up_and_an_absent_database_is_not() -> None:
    """Fast failures reach the limit of starts; those that waited a minute never do."""
    unit = settings("smally.service")
    window = int(unit["StartLimitIntervalSec"])
    pauses = int(unit["StartLimitBurst"]) - 1
    pause = int(unit["RestartSec"])
    # A start that fails at once, on a slow machine.
    assert pauses * (20 + pause) < window
    assert pauses * (Settings().database_wait_seconds + pause) > window
    assert Settings().database_wait_seconds < int(unit["TimeoutStartSec"])
    assert unit["Restart"] == "on-failure"
    # 2: a setting is wrong; 3: a person has to act. Both stay as they are.
    assert unit["RestartPreventExitStatus"] == "2 3"


def test_no_secret_stands_in_a_unit() -> None:
    """The URLs come as credentials: an environment is shown by `systemctl show`."""
    text = (UNITS / "smally.service").read_text()
    assert re.findall(r"^LoadCredential=(.*)$", text, re.MULTILINE) == [
        "DATABASE_URL:/etc/smally/credentials/DATABASE_URL",
        "RUNTIME_DATABASE_URL:/etc/smally/credentials/RUNTIME_DATABASE_URL",
    ]
    assert re.findall(r"^Environment=(.*)$", text, re.MULTILINE) == [
        "PYTHONDONTWRITEBYTECODE=1"
    ]
