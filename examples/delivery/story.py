"""From a branch to production and back, on a scratch repository: every step is a command that somebody types.

The last line is one JSON object, whose `refused` names the audit event of everything that was refused.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import retailer

from fleetcast.artifacts import FILE, Artifact
from fleetcast.domain.tables import FORECASTS
from fleetcast.testing.planted import planted
from fleetcast.workspace import Workspace
from fleetcast.workspace import open as opened

PEOPLE = ("ada", "ben", "cyd", "dana")
FLEETCAST = Path(sys.executable).with_name("fleetcast")
ADVISORY = {
    "id": "PYSEC-2026-1",
    "summary": "a planted advisory: everything of it is wrong",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "polars"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}
REFUSED = (
    "direct_push",
    "missing_checks",
    "force_push",
    "moved_tag",
    "self_approval",
    "stale_approval",
    "edited_manifest",
    "bad_model",
)


class Broken(Exception):
    """Something in the story ended otherwise than it has to."""


@dataclass
class Story:
    """A folder with the Git server, everybody's checkouts, and the machine that the environments are on."""

    folder: Path
    refused: dict[str, int] = field(default_factory=dict)
    releases: list[str] = field(default_factory=list)
    approvals: int = 0

    @property
    def server(self) -> Path:
        return self.folder / "kiosks.git"

    @property
    def ci(self) -> Path:
        """The checkout of the CI runner."""
        return self.folder / "ci"

    @property
    def host(self) -> Path:
        """Where dev and prod keep their state, and raw files arrive."""
        return self.folder / "host"

    def of(self, person: str) -> Path:
        return self.folder / person

    def key(self, person: str) -> Path:
        return self.folder / "keys" / person

    # ------------------------------------------------------------ typing

    def typed(self, *words: object, to: int = 0, by: str = "ci", at: Path | None = None) -> str:
        """Somebody types a command, which has to end so; returns what it printed."""
        person = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", by.title()), ("EMAIL", f"{by}@example.com"))
        }
        own = {"LOGNAME": by, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            list(map(str, words)),
            cwd=at or self.folder,
            capture_output=True,
            text=True,
            env=os.environ | person | own | {"GIT_CONFIG_GLOBAL": os.devnull},
            check=False,
        )
        if done.returncode != to and not (to and words[0] == "git" and done.returncode):
            said = (done.stdout + done.stderr)[-4000:]
            raise Broken(f"{' '.join(map(str, words))} ended with {done.returncode}, not {to}:\n{said}")
        return done.stdout + done.stderr if to else done.stdout

    def git(self, person: str, *words: object, to: int = 0) -> str:
        return self.typed("git", *words, by=person, at=self.of(person) if person != "ci" else self.ci, to=to)

    def fleetcast(self, *words: object, to: int = 0, by: str = "ci", env: str | None = None) -> str:
        """A verb of Fleetcast on the host's environments; without one, in the CI runner's checkout."""
        where = ["--workspace", self.host, "--env", env] if env else ["--workspace", self.ci]
        return self.typed(FLEETCAST, *words, *where, by=by, to=to, at=self.ci)

    def environment(self, name: str) -> Workspace:
        return opened(self.host, environment=name)

    def was_refused(self, name: str) -> None:
        """Remember the audit event of what has just been refused; it has to be the newest of its kind, and in prod."""
        records = self.environment("prod").ledger.audit(action=f"refused.{name}")
        if not records or name in self.refused:
            raise Broken(f"{name} was not refused, or nobody kept it")
        self.refused[name] = records[-1].seq
        tell(f"refused: {name.replace('_', ' ')}", f"audit event {records[-1].seq}")

    # ------------------------------------------------------------ what CI does

    def checked(self, branch: str, *, full: bool = False) -> None:
        """The checks of a pull request, or of what was merged; the Git server keeps how they ended."""
        self.git("ci", "fetch", "--quiet", "origin")
        self.git("ci", "switch", "--quiet", "--detach", f"origin/{branch}")
        verbs = (
            ("ci", "code-validation"),
            ("ci", "model-validation", "--local", *(["--full"] if full else [])),
        )
        for words in verbs:
            report = self.folder / "report"
            self.fleetcast(*words, "--report", report)
            self.typed(FLEETCAST, "ci", "record", "--git-dir", self.server, "--report", report)
        tell(f"checks of {branch}", "passed, with full time" if full else "passed")

    def checked_on_its_data(self, branch: str) -> None:
        """What a data pull request runs on the host, in a copy of dev; the Git server keeps how it ended."""
        report = self.folder / "report"
        self.typed("git", "switch", "--quiet", "--detach", branch, at=self.host)
        words = ("ci", "model-validation", "--pinned", "--report", report, "--json", "--workspace", self.host)
        made = json.loads(self.typed(FLEETCAST, *words, at=self.host))
        self.typed("git", "switch", "--quiet", "main", at=self.host)
        self.typed(FLEETCAST, "ci", "record", "--git-dir", self.server, "--report", report)
        says = {check["name"]: check["says"] for check in made["checks"]}
        tell(f"checks of {branch} on its data", says["gate"])

    def merged(self, branch: str, into: str = "main", *, by: str) -> None:
        """A pull request is merged."""
        for words in (
            ("fetch", "--quiet", "origin"),
            ("switch", "--quiet", "-C", into, f"origin/{into}"),
            ("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", f"origin/{branch}"),
            ("push", "--quiet", "origin", into),
        ):
            self.git(by, *words)
        tell(f"{branch} merged into {into}", f"by {by}")

    def packaged(self, branch: str) -> Artifact:
        """The artifact of what was merged."""
        self.git("ci", "fetch", "--quiet", "origin")
        self.git("ci", "switch", "--quiet", "--detach", f"origin/{branch}")
        out = self.folder / "artifacts" / branch.replace("/", "-")
        self.fleetcast("ci", "package", "--out", out)
        made = Artifact.read(out)
        tell(f"artifact of {branch}", made.id[:12])
        return made

    def delivered(self, env: str, artifact: Path | None = None, *, promote: int = 0) -> str:
        """Validate, promote and score in an environment; returns the release."""
        given = ["--artifact", artifact] if artifact else []
        release = self.validated(env, artifact)
        self.fleetcast("cd", "promote", *given, env=env, to=promote)
        if promote == 0:
            self.fleetcast("cd", "score", *given, env=env)
            tell(f"{env}: promoted and scored", release[:12])
        return release

    def validated(self, env: str, artifact: Path | None = None) -> str:
        given = ["--artifact", artifact] if artifact else []
        made = json.loads(self.fleetcast("cd", "validate-model", *given, "--json", env=env))
        release: str = made["subject"]["release"]
        self.releases.append(release)
        tell(f"{env}: models validated", release[:12])
        return release

    def approved(self, release: str, *people: str) -> None:
        for person in people:
            self.fleetcast("release", "approve", release, "--key", self.key(person), env="prod", by=person)
            self.approvals += 1
        tell("prod: approved", ", ".join(people))


def tell(what: str, more: str = "") -> None:
    print(f"  {time.monotonic() - BEGAN:6.1f} s  {what:<44} {more}", flush=True)


def chapter(words: str) -> None:
    print(f"\n{words}", flush=True)


BEGAN = time.monotonic()


# ---------------------------------------------------------------- the story


def everybody_is_there(story: Story) -> None:
    """Keys, the first commit, a Git server whose hook protects its branches, and everybody's checkouts."""
    chapter("A chain of kiosks, four people, a Git server")
    (story.folder / "keys").mkdir()
    signers = ""
    for person in PEOPLE:
        story.typed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", story.key(person))
        public = " ".join(story.key(person).with_suffix(".pub").read_text("utf-8").split()[:2])
        signers += f'[signers."{person}@example.com"]\nkey = "{public}"\n\n'
    approvers = ", ".join(f'"{person}@example.com"' for person in PEOPLE)
    policy = f"schema = 1\n\n[promotion.prod]\napprovals = 2\npeople = [{approvers}]\n\n{signers}"
    story.typed("git", "init", "--quiet", "--bare", "--initial-branch", "main", story.server)
    first = story.of("dana")
    retailer.write(first, policy)
    story.git("dana", "init", "--quiet", "--initial-branch", "main")
    story.git("dana", "add", "--all")
    story.git("dana", "commit", "--quiet", "-m", "A chain of kiosks")
    story.git("dana", "remote", "add", "origin", story.server)
    story.git("dana", "push", "--quiet", "-u", "origin", "main")
    for name in ("ada", "ben", "cyd", "ci", "host"):
        story.typed("git", "clone", "--quiet", story.server, story.folder / name)
    for what, who in (("name", "Dana"), ("email", "dana@example.com")):  # who works on the host
        story.typed("git", "config", f"user.{what}", who, at=story.host)
    (first / "data").rename(story.host / "data")
    story.typed(FLEETCAST, "ci", "emit", "--host", "git", "--workspace", story.host, "--out", story.server)
    tell("the server's hook protects main and release/*")


def a_feature(story: Story) -> Artifact:
    """Ada's feature takes the road; three shortcuts are closed."""
    chapter("A feature, from a branch to dev")
    change(story, "ada", "feature/thirteen-weeks", "windows = [4, 13]", "windows = [4, 8, 13]")
    story.git("ada", "push", "--quiet", "origin", "feature/thirteen-weeks")
    story.git("ada", "push", "origin", "feature/thirteen-weeks:main", to=1)
    story.was_refused("direct_push")
    story.git("ada", "switch", "--quiet", "main")
    story.git("ada", "merge", "--quiet", "--no-ff", "-m", "In a hurry", "feature/thirteen-weeks")
    story.git("ada", "push", "origin", "main", to=1)
    story.was_refused("missing_checks")
    an_advisory(story)
    story.checked("feature/thirteen-weeks")
    story.merged("feature/thirteen-weeks", by="cyd")
    story.git("ada", "fetch", "--quiet", "origin")
    story.git("ada", "reset", "--quiet", "--hard", "origin/main~1")
    story.git("ada", "push", "--force", "origin", "main", to=1)
    story.was_refused("force_push")
    story.checked("main", full=True)
    made = story.packaged("main")
    story.delivered("dev", story.folder / "artifacts" / "main")
    return made


def an_advisory(story: Story) -> None:
    """A published advisory about a dependency fails the checks; one that cannot be reached fails them too."""
    folder = story.folder / "advisories"
    folder.mkdir()
    now = datetime.now(UTC).isoformat()
    (folder / "PYSEC-2026-1.json").write_text(json.dumps(ADVISORY | {"modified": now}), "utf-8")
    words = ("ci", "code-validation", "--only", "advisories", "--advisories")
    story.fleetcast(*words, folder, to=1)
    story.fleetcast(*words, story.folder / "nowhere", to=3)
    (folder / "PYSEC-2026-1.json").unlink()
    tell("an advisory fails the checks", "and so does not knowing")


def change(story: Story, person: str, branch: str, old: str, new: str) -> None:
    """Somebody changes the settings on a branch of their own."""
    for words in (("fetch", "--quiet", "origin"), ("switch", "--quiet", "-c", branch, "origin/main")):
        story.git(person, *words)
    settings = story.of(person) / "fleetcast.toml"
    text = settings.read_text("utf-8")
    if old not in text:
        raise Broken(f"{settings} does not say {old}")
    settings.write_text(text.replace(old, new), "utf-8")
    story.git(person, "commit", "--quiet", "--all", "-m", f"{branch}: {new}")


def a_release(story: Story, artifact: Artifact) -> None:
    """The same artifact goes to prod, by two signatures that hold."""
    chapter("A release, to prod")
    story.git("cyd", "fetch", "--quiet", "origin")
    story.git("cyd", "push", "--quiet", "origin", "origin/main:refs/heads/release/2026w47")
    same = story.packaged("release/2026w47")
    if same != artifact:
        raise Broken("the release branch made another artifact of the same commit")
    story.git("cyd", "tag", "fleet-1", "origin/main")
    story.git("cyd", "push", "--quiet", "origin", "fleet-1")
    story.git("cyd", "tag", "--force", "fleet-1", "origin/main~1")
    story.git("cyd", "push", "--force", "origin", "fleet-1", to=1)
    story.was_refused("moved_tag")

    packaged = story.folder / "artifacts" / "release-2026w47"
    edited = story.folder / "artifacts" / "edited"
    story.typed("cp", "-r", packaged, edited)
    body = json.loads((edited / FILE).read_text("utf-8"))
    (edited / FILE).write_text(json.dumps(body | {"authors": []}), "utf-8")  # so that Ada could approve it
    story.fleetcast("cd", "validate-model", "--artifact", edited, env="prod", to=4)
    story.was_refused("edited_manifest")

    first = story.validated("prod", packaged)
    story.fleetcast("release", "approve", first, "--key", story.key("ada"), env="prod", by="ada", to=4)
    story.was_refused("self_approval")
    story.approved(first, "ben", "cyd")
    retailer.correction(story.host)  # meanwhile a late file comes in
    second = story.validated("prod", packaged)
    story.fleetcast("cd", "promote", second, env="prod", to=4)
    story.was_refused("stale_approval")
    story.approved(second, "ben", "cyd")
    story.fleetcast("cd", "promote", second, env="prod")
    story.fleetcast("cd", "score", env="prod")
    tell("prod: promoted and scored", second[:12])


def main_goes_on(story: Story) -> Artifact:
    """Ben's feature is on main and in dev; prod does not know it."""
    chapter("Another feature, on main alone")
    change(story, "ben", "feature/harmonics", "harmonics = 1", "harmonics = 2")
    story.git("ben", "push", "--quiet", "origin", "feature/harmonics")
    story.checked("feature/harmonics")
    story.merged("feature/harmonics", by="cyd")
    made = story.packaged("main")
    story.delivered("dev", story.folder / "artifacts" / "main")
    return made


def new_data(story: Story, released: Artifact, main: Artifact) -> None:
    """A week comes in: dev reads it once its pull request is merged, prod by itself, with the release's code."""
    chapter("New data")
    retailer.next_week(story.host)
    story.typed("git", "pull", "--quiet", "--ff-only", at=story.host)
    story.fleetcast("condition", env="dev")
    made = json.loads(story.fleetcast("data", "pin", "--json", env="dev", by="dana"))
    branch = made["branch"]
    story.typed("git", "push", "--quiet", "origin", branch, by="dana", at=story.host)
    tell("dev: data pinned", f"{branch}: {made['sentence']}")
    story.checked(branch)
    story.checked_on_its_data(branch)
    story.merged(branch, by="cyd")
    story.packaged("main")
    story.delivered("dev", story.folder / "artifacts" / "main")

    release = story.delivered("prod")
    prod = story.environment("prod")
    manifest = prod.registry.releases.get(release).manifest
    if (manifest.artifact, manifest.code) != (released.id, released.code) or released.code == main.code:
        raise Broken("prod was not rescored with the release's code")
    newest = retailer.newest(prod.clock())
    rows = prod.lake.read(FORECASTS)
    stamped = set(rows.filter(rows["cycle"] == newest)["release"])
    if stamped != {release}:
        raise Broken(f"the rows of {newest} are stamped {stamped}, not {release}")
    tell("prod: rescored with the release's code", f"{released.code[:12]}, main has {main.code[:12]}")


def a_bad_model(story: Story) -> None:
    """Somebody with access to prod's stores serves a segment by a model of their own making."""
    chapter("A bad model is planted")
    release = planted(story.environment("prod"), 0.5).id
    story.fleetcast("cd", "promote", release, "--reason", "trust me", env="prod", by="eve", to=4)
    story.was_refused("bad_model")


def back(story: Story) -> None:
    """One segment goes back, then the whole fleet; then the chains of both environments are walked."""
    chapter("And back")
    story.fleetcast(
        "release", "rollback", "--segment", "east/large/fast", "--reason", "too high in the east", env="prod"
    )
    tell("prod: one segment rolled back", "east/large/fast")
    story.fleetcast("release", "rollback", "--reason", "the whole of it", env="prod")
    story.fleetcast("cd", "score", env="prod")
    tell("prod: the whole fleet rolled back, and scored")
    for env in ("dev", "prod"):
        answer: dict[str, Any] = json.loads(story.fleetcast("audit", "verify", "--json", env=env))
        if not answer["ok"]:
            raise Broken(f"the audit chain of {env} does not hold: {answer['reason']}")
    tell("audit chains walked", "both hold")


def tell_all(folder: Path) -> dict[str, Any]:
    """Play the story in an empty folder; returns what its last line says."""
    story = Story(folder.resolve())
    everybody_is_there(story)
    released = a_feature(story)
    a_release(story, released)
    main = main_goes_on(story)
    new_data(story, released, main)
    a_bad_model(story)
    back(story)
    return {
        "refused": {name: story.refused[name] for name in REFUSED},
        "releases": len(set(story.releases)),
        "approvals": story.approvals,
        "audit": "verified",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave everything there; it must not be there yet"
    )
    keep = parser.parse_args().keep
    if keep:
        keep.mkdir(parents=True)
        print(json.dumps(tell_all(keep)))
        return
    with tempfile.TemporaryDirectory(prefix="fleetcast-story-") as scratch:
        print(json.dumps(tell_all(Path(scratch))))


if __name__ == "__main__":
    main()
