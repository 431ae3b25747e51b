"""An artifact's way into prod, by the commands that people and CI systems type."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetcast.artifacts import FILE, Artifact, place
from fleetcast.delivery.packaging import package
from fleetcast.domain.tables import FORECASTS
from fleetcast.fleet import promoting
from fleetcast.testing.kiosks import opened
from fleetcast.testing.repositories import commit, write_repository

PEOPLE = ("ada", "ben", "cyd")  # Ada wrote it

pytestmark = pytest.mark.delivery


@dataclass
class Shop:
    """A repository, its artifacts, and people's keys."""

    repository: Path
    keys: Path
    dist: Path

    def typed(self, *words: str, to: int = 0) -> dict[str, Any]:
        """A command in prod, which has to end so; returns its report."""
        program = Path(sys.executable).with_name("fleetcast")
        command = [program, *words, "--workspace", self.repository, "--env", "prod", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == to, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else {}

    @property
    def prod(self):
        return opened(self.repository, environment="prod")

    def refusals(self) -> list[str]:
        records = self.prod.ledger.audit()
        return [record.action.removeprefix("refused.") for record in records if "refused." in record.action]


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Shop:
    folder = tmp_path_factory.mktemp("delivery")
    for person in PEOPLE:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / person], check=True)
    public = {person: " ".join((folder / f"{person}.pub").read_text().split()[:2]) for person in PEOPLE}
    signers = "".join(f'[signers."{who}@example.com"]\nkey = "{key}"\n' for who, key in public.items())
    repository = write_repository(folder / "shop", policy=f"schema = 1\n{signers}")
    return Shop(repository, folder, package(repository, folder / "dist").folder)


def test_a_checkout_does_not_run_in_prod(shop):
    shop.typed("run", to=4)


def test_a_release_waits_for_two_signatures_and_is_then_served_by_the_code_that_was_packaged(shop):
    made = shop.typed("cd", "validate-model", "--artifact", str(shop.dist))
    assert [(check["name"], check["state"]) for check in made["checks"]] == [
        (name, "passed") for name in ("models", "data", "gate", "rehearsal")
    ]
    refused = shop.typed("cd", "promote", to=4)
    event = refused["checks"][0]["evidence"]["audit"]
    assert shop.prod.ledger.audit()[event - 1].action == "refused.missing_approvals"

    release = shop.prod.registry.releases.get(made["subject"]["release"])
    for person in ("ben", "cyd"):
        promoting.approve(shop.prod, release, key=shop.keys / person)
    assert shop.typed("cd", "promote")["subject"]["release"] == release.id
    shop.typed("cd", "score")
    rows = shop.prod.lake.read(FORECASTS)
    assert rows.height > 0
    assert rows["release"].unique().to_list() == [release.id]
    packaged = Artifact.read(shop.dist)
    assert (release.manifest.artifact, release.manifest.code) == (packaged.id, packaged.code)


def test_doing_it_again_changes_nothing(shop):
    before = (shop.prod.ledger.head(), len(shop.prod.publications.list()), shop.prod.lake.version(FORECASTS))
    shop.typed("cd", "validate-model")
    shop.typed("cd", "promote")
    shop.typed("cd", "score")
    assert (
        shop.prod.ledger.head(),
        len(shop.prod.publications.list()),
        shop.prod.lake.version(FORECASTS),
    ) == before


def test_another_artifact_does_not_serve_the_live_release(shop):
    path = shop.repository / "src" / "kiosks" / "conditioners" / "stores.py"
    path.write_text(path.read_text() + "\n# another feature\n")
    commit(shop.repository, "Another feature")
    other = package(shop.repository, shop.keys / "other")
    made = shop.typed("cd", "score", "--artifact", str(other.folder), to=4)
    assert "pins artifact" in made["checks"][0]["says"]
    assert shop.refusals()[-1] == "other_artifact"


def test_an_artifact_edited_after_it_was_packaged_is_refused(shop):
    edited = shop.keys / "edited"
    package(shop.repository, edited)
    body = json.loads((edited / FILE).read_text())
    (edited / FILE).write_text(json.dumps({**body, "authors": []}))
    shop.typed("cd", "validate-model", "--artifact", str(edited), to=4)
    assert shop.refusals()[-1] == "edited_manifest"


def test_code_that_was_changed_where_it_is_installed_does_not_run(shop):
    root = place(shop.prod.state, Artifact.read(shop.dist).id)
    (path,) = (root / "venv").glob("share/**/conditioners/stores.py")
    whole = path.read_text()
    path.write_text(whole + "\n# just this once\n")
    shop.typed("cd", "validate-model", to=4)
    assert shop.refusals()[-1] == "other_code"
    path.write_text(whole)
    shop.typed("cd", "score")


def test_the_chain_of_it_all_holds(shop):
    assert shop.typed("audit", "verify")["ok"]
