"""The Dockerfile of a new workspace, instruction by instruction, where no Docker is.

Its root is a folder with this machine's own programs and Python in it, as `FROM` would bring them; what is written there
is thrown away. It takes root, or subordinate user ids: then `useradd` and `USER` mean what they mean in an image.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.delivery.test_starting import last_week, semicolons

from fleetcast.testing.repositories import commit, git

pytestmark = pytest.mark.delivery

FLEETCAST = Path(sys.executable).with_name("fleetcast")
AS_ROOT = [] if os.geteuid() == 0 else ["--map-auto", "--map-root-user"]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", sys.base_prefix)
OF_THE_NETWORK = re.compile(r"(?i)(pip_.*|.*_proxy|ssl_cert_file|requests_ca_bundle)")


@dataclass
class Image:
    """What the instructions so far have made."""

    root: Path
    context: Path
    user: str = "root"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    base: str = ""
    volumes: list[str] = field(default_factory=list)

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the image's user, in its working folder."""
        mounts = [
            f"mount --rbind {path} {self.root}{path}" for path in SYSTEM if (self.root / path[1:]).is_dir()
        ]
        inside = 'cd "$0" && exec "$@"'
        script = " && ".join(
            [*mounts, f'exec chroot --userspec={self.user} {self.root} /bin/sh -c \'{inside}\' "$0" "$@"']
        )
        return subprocess.run(
            ["unshare", "--mount", *AS_ROOT, "/bin/sh", "-c", script, self.folder, *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        network = {name: value for name, value in os.environ.items() if OF_THE_NETWORK.fullmatch(name)}
        return network | {
            "HOME": home,
            "PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        }

    # ------------------------------------------------------------ the instructions

    def from_(self, image: str) -> None:
        self.base = image
        for path in SYSTEM:
            here = self.root / path[1:]
            here.parent.mkdir(parents=True, exist_ok=True)
            if Path(path).is_symlink():
                here.symlink_to(Path(path).readlink())
            elif Path(path).is_dir():
                here.mkdir(exist_ok=True)
        shutil.copytree("/etc", self.root / "etc", symlinks=True)
        for name in ("tmp", "home", "root"):
            (self.root / name).mkdir(exist_ok=True)
        (self.root / "tmp").chmod(0o1777)

    def run(self, words: str) -> None:
        done = self.runs("/bin/sh", "-c", words)
        assert done.returncode == 0, done.stdout + done.stderr

    def user_(self, name: str) -> None:
        assert self.runs("id", name).returncode == 0, f"no user {name}"
        self.user = name

    def copy(self, words: str) -> None:
        owner, source, to = re.fullmatch(r"--chown=(\w+) (\S+) (\S+)", words).groups()
        shutil.copytree(self.context / source, self.root / to[1:])
        before, self.user = self.user, "root"
        self.run(f"chown -R {owner} {to}")
        self.user = before

    def workdir(self, path: str) -> None:
        (self.root / path[1:]).mkdir(parents=True, exist_ok=True)
        self.folder = path


def build(dockerfile: str, image: Image) -> None:
    """Follow a Dockerfile; an instruction that is not known here is a KeyError."""
    does = {
        "FROM": image.from_,
        "RUN": image.run,
        "USER": image.user_,
        "COPY": image.copy,
        "WORKDIR": image.workdir,
        "VOLUME": image.volumes.append,
        "ENTRYPOINT": lambda words: image.entrypoint.extend(json.loads(words)),
        "CMD": lambda words: image.command.extend(json.loads(words)),
    }
    lines = [line for line in dockerfile.splitlines() if not line.startswith("#")]
    for line in filter(None, "\n".join(lines).replace("\\\n", "").splitlines()):
        instruction, words = line.split(maxsplit=1)
        does[instruction](words.strip())


def test_the_image_of_a_new_workspace_is_built_and_does_its_week_as_nobody_in_particular(tmp_path):
    source, shop = semicolons(tmp_path / "sales.csv", last_week()), tmp_path / "shop"
    subprocess.run([FLEETCAST, "init", shop, "--from", source], check=True, capture_output=True)
    git(shop, "init", "--quiet")
    commit(shop, "A new workspace")
    subprocess.run([FLEETCAST, "ci", "package", "--out", "dist"], cwd=shop, check=True, capture_output=True)

    (tmp_path / "root").mkdir()
    image = Image(tmp_path / "root", shop)
    build((shop / "Dockerfile").read_text("utf-8"), image)
    assert image.base == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    assert (image.user, image.folder, image.volumes) == ("fleet", "/state", ["/state"])

    first = image.runs(*image.entrypoint, *image.command)
    assert first.returncode == 0, first.stdout + first.stderr
    shutil.copytree(shop / "data", image.root / "state" / "data")  # as a volume brings them
    week = image.runs(*image.entrypoint, "run", "--json")
    assert week.returncode == 0, week.stdout + week.stderr
    assert json.loads(week.stdout)["promoted"]
    assert (image.root / "state" / ".fleetcast" / "dev" / "ledger.db").is_file()
