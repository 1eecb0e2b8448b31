"""The image that a build in containers starts from: the Debian of our hosts."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from drill.host import base_tree

__all__ = ["Images"]

NAME = "localhost/smally-drill"


@dataclass(frozen=True, slots=True)
class Images:
    """A storage of images of our own, which goes as a folder goes."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """How the build finds them, as environment variables."""
        return {
            "BASE_IMAGE": NAME,
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "TMPDIR": str(self.folder),
        }

    def make(self) -> None:
        """Put the hosts' Debian into the storage."""
        self.folder.mkdir()
        (self.folder / "storage.conf").write_text(
            "[storage]\n"
            'driver = "overlay"\n'
            f'graphroot = "{self.folder}/storage"\n'
            f'runroot = "{self.folder}/run"\n'
        )
        container = self.buildah("from", "scratch")
        tree = self.buildah("mount", container)
        subprocess.run(["cp", "--archive", f"{base_tree()}/.", tree], check=True)
        self.buildah("umount", container)
        self.buildah("commit", "--disable-compression", container, NAME)
        self.buildah("rm", container)

    def remove(self) -> None:
        """Leave nothing behind: first the mounts, also of an interrupted build."""
        mounted = Path("/proc/self/mounts").read_text().splitlines()
        for place in reversed([line.split()[1] for line in mounted]):
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=True)
        shutil.rmtree(self.folder)

    def buildah(self, *arguments: str) -> str:
        """Run buildah on this storage."""
        done = subprocess.run(
            ["buildah", *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **self.environ},
        )
        return done.stdout.strip()
