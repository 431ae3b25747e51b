import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fleetcast.delivery import delegating
from fleetcast.domain.errors import InfrastructureError, PolicyRefusal
from fleetcast.ledger.store import Ledger
from fleetcast.testing.kiosks import WEDNESDAY, kiosks, opened, write_workspace


@pytest.fixture
def shop(tmp_path) -> Path:
    """A chain whose prod has a ledger of the Fleetcast before this one."""
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))
    opened(folder, environment="prod").ledger.close()
    with closing(sqlite3.connect(ledger_of(folder), isolation_level=None)) as ledger:
        ledger.execute("DROP TABLE approvals")
        ledger.execute("UPDATE alembic_version SET version_num = '0003'")
    return folder


def ledger_of(folder: Path) -> Path:
    return folder / ".fleetcast" / "prod" / "ledger.db"


def revision(folder: Path) -> str:
    with closing(sqlite3.connect(ledger_of(folder))) as ledger:
        return str(ledger.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def elsewhere(folder: Path, artifact: Path | None) -> object:
    return delegating.elsewhere(folder, "prod", artifact, of="live", actor="cyd", clock=lambda: WEDNESDAY)


def test_who_looks_for_the_artifacts_program_leaves_an_older_ledger_as_that_program_knows_it(shop, tmp_path):
    assert elsewhere(shop, None) is None
    edited = tmp_path / "edited"
    edited.mkdir()
    (edited / "artifact.json").write_text("{}", "utf-8")
    with pytest.raises(PolicyRefusal, match="Recorded as audit event 1"):
        elsewhere(shop, edited)
    assert revision(shop) == "0003"


def test_no_checkout_brings_the_ledger_of_prod_up_to_date(shop):
    with pytest.raises(InfrastructureError, match="which the artifact that works there may not know"):
        opened(shop, environment="prod").ledger.head()
    assert revision(shop) == "0003"


def test_what_is_refused_is_recorded_in_the_ledger_that_the_settings_name(tmp_path, postgresql) -> None:
    url, edited = postgresql.database(), tmp_path / "edited"
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))
    with (folder / "fleetcast.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[environments.prod]\nledger = "{url}"\n')
    edited.mkdir()
    (edited / "artifact.json").write_text("{}", "utf-8")
    with pytest.raises(PolicyRefusal, match="Recorded as audit event 1"):
        elsewhere(folder, edited)
    with Ledger.open(url, lambda: WEDNESDAY) as ledger:
        assert [record.action for record in ledger.audit()] == ["refused.edited_manifest"]
    assert not ledger_of(folder).exists()
