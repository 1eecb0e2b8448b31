"""The image, built for real: from a debootstrapped base, and with no network inside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from machine import debian_with_python, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

BASE = "localhost/smally-test-base"
HISTORY = "migrations/20250114000000_initial_schema.sql"
HEALTH = "src/smally/store/health.py"


@pytest.fixture(scope="session")
def containers(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Give an environment whose containers are its own, with the base among them."""
    need("buildah", "debootstrap", root=True)
    base = debian_with_python()
    with tempfile.TemporaryDirectory(prefix="smally-containers-") as folder:
        settings = Path(folder, "storage.conf")
        settings.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\n'
            f'runroot = "{folder}/run"\n'
        )
        here = {
            **environment,
            "CONTAINERS_STORAGE_CONF": str(settings),
            "BUILDAH_ISOLATION": "chroot",
            "BASE_IMAGE": BASE,
            # Other tools may be here too, and this is buildah's test.
            "PATH": str(path_with_buildah_alone(Path(folder, "bin"))),
        }
        container = buildah(here, "from", "scratch")
        buildah(here, "add", "--quiet", container, str(base), "/")
        buildah(here, "commit", "--quiet", "--rm", container, BASE)
        yield here
        buildah(here, "rm", "--all")
        buildah(here, "rmi", "--all", "--force")


def test_the_image_is_the_release_and_no_more(
    containers: dict[str, str],
    check_out: Callable[[Path], Path],
    tarball: Path,
    tmp_path: Path,
) -> None:
    """No network while the check runs; the same bytes; not root; nothing writable."""
    folder = check_out(tmp_path / "checkout")
    done = build(folder, containers)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"dist/{tarball.name}\n"
    assert digest(folder / "dist" / tarball.name) == digest(tarball)
    release = tarball.name.removeprefix("smally-api-").partition("-linux-")[0]
    image = f"localhost/smally-api:{release.replace('+', '-')}"
    described = json.loads(buildah(containers, "inspect", "--type", "image", image))
    check_settings(described["Docker"]["config"], release)
    with running(containers, image) as run:
        assert run("id", "-un") == "smally"
        assert run("pwd") == "/home/smally/smally-api"
        assert run("smally", "--version") == f"smally {release.partition('+')[0]}"
        assert run("find", "/home", "-writable", "-not", "-type", "l") == ""
        assert run("sh", "-c", "ls -d wheels .env .git 2>&1 || true").count("No") == 3


def test_there_is_no_network_while_the_check_runs(
    containers: dict[str, str],
    check_out: Callable[[Path], Path],
    commit: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    """Seen from the step of the check itself: no interface but lo, and no route."""
    folder = check_out(tmp_path / "checkout")
    dockerfile = folder / "Dockerfile"
    witness = "ENV SQLX_OFFLINE=true\nRUN cat /proc/net/dev /proc/net/route && false\n"
    text = dockerfile.read_text()
    assert "ENV SQLX_OFFLINE=true\n" in text
    dockerfile.write_text(text.replace("ENV SQLX_OFFLINE=true\n", witness))
    commit(folder)
    done = build(folder, containers)
    assert done.returncode == 1
    # A namespace without routes has nothing at all in /proc/net/route.
    shown = done.stderr.partition("RUN cat /proc/net")[2].partition("subprocess")[0]
    assert re.findall(r"(?m)^ *([^ :]+): +\d", shown) == ["lo"]
    assert not re.findall(r"(?m)^\w+\t[0-9A-F]{8}\t", shown)


def change_a_query(folder: Path) -> str:
    """Ask for something else than what was prepared."""
    path = folder / HEALTH
    text = path.read_text()
    query = query_on_one_line(text)
    changed = query[0].replace(query[1], f"/* changed */ {query[1]}")
    path.write_text(text.replace(query[0], changed))
    return f"{HEALTH}:{line_of(text, query[0])}:"


def lose_a_file_of_the_cache(folder: Path) -> str:
    """Remove what is known of the query in health.py."""
    text = (folder / HEALTH).read_text()
    query = query_on_one_line(text)
    name = hashlib.sha256(query[1].encode()).hexdigest()
    (folder / f".sqlx/query-{name}.json").unlink()
    return f"{HEALTH}:{line_of(text, query[0])}:"


def lose_what_the_cache_was_made_with(folder: Path) -> str:
    """Remove the file that knows the migrations of the cache."""
    (folder / ".sqlx/python/prepared.json").unlink()
    return ".sqlx/python/prepared.json:1:1: error: it is missing; run `sqlx prepare`"


def add_a_migration(folder: Path) -> str:
    """Change the schema without preparing."""
    (folder / "migrations/29990101000000_more.sql").write_text("CREATE TABLE t ();\n")
    return (
        "migrations/29990101000000_more.sql:1:1: error: "
        "the cache was made without it; run `sqlx prepare` [cache-migrations]"
    )


def edit_a_migration(folder: Path) -> str:
    """Change a file that was applied long ago."""
    with (folder / HISTORY).open("a") as file:
        file.write("-- one more line\n")
    return (
        f"{HISTORY}:1:1: error: "
        "the cache was made before it changed; run `sqlx prepare` [cache-migrations]"
    )


@pytest.mark.parametrize(
    "break_it",
    [
        change_a_query,
        lose_a_file_of_the_cache,
        lose_what_the_cache_was_made_with,
        add_a_migration,
        edit_a_migration,
    ],
)
def test_a_commit_that_disagrees_with_itself_is_not_built(
    break_it: Callable[[Path], str],
    containers: dict[str, str],
    check_out: Callable[[Path], Path],
    commit: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    """The build ends at the check, with the file's line; there is no tarball."""
    folder = check_out(tmp_path / "checkout")
    said = break_it(folder)
    commit(folder)
    done = build(folder, containers)
    assert (done.returncode, done.stdout) == (1, "")
    at_the_check = done.stderr.partition("build-release.sh check ")[2]
    assert f"\n{said}" in at_the_check, done.stderr
    assert not (folder / "dist").exists()


def check_settings(config: dict[str, Any], release: str) -> None:
    """Compare what the image says of itself."""
    assert config["User"] == "smally"
    assert config["Cmd"] == ["smally", "serve"]
    assert config["WorkingDir"] == "/home/smally/smally-api"
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    assert config["Labels"]["org.opencontainers.image.version"] == release
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "python", "-c"]
    assert "/health/live" in config["Healthcheck"]["Test"][3]
    names = {line.partition("=")[0] for line in config["Env"]}
    assert names == {"PATH", "PYTHONUNBUFFERED", "SMALLY_HOST", "SMALLY_PORT"}


def build(folder: Path, containers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Build the image of a checkout."""
    return subprocess.run(
        [folder / "scripts/deployment/build-no-buildkit.sh"],
        check=False,
        capture_output=True,
        text=True,
        env=containers,
    )


def buildah(environment: dict[str, str], *arguments: str) -> str:
    """Run buildah, and return what it says."""
    done = subprocess.run(
        ["buildah", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return done.stdout.strip()


@contextmanager
def running(environment: dict[str, str], image: str) -> Iterator[Callable[..., str]]:
    """Give a function that runs a command in a container of the image."""
    container = buildah(environment, "from", image)

    def run(*command: str) -> str:
        return buildah(environment, "run", container, "--", *command)

    try:
        yield run
    finally:
        buildah(environment, "rm", container)


def path_with_buildah_alone(folder: Path) -> Path:
    """Link every program of the PATH, but docker and podman."""
    folder.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in {"docker", "podman"} and not link.is_symlink():
                link.symlink_to(program)
    return folder


def query_on_one_line(text: str) -> re.Match[str]:
    """Find the first query whose SQL is a plain string."""
    query = re.search(r'@sqlx\.query\("([^"]+)"\)', text)
    assert query is not None
    return query


def line_of(text: str, part: str) -> int:
    """Count the lines up to a part."""
    return text[: text.index(part)].count("\n") + 1


def digest(path: Path) -> str:
    """Take the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
