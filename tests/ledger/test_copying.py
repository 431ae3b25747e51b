import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.store import Ledger


def test_a_copy_holds_what_the_ledger_held_and_its_chain_verifies(ledger, tmp_path, clock):
    for number in range(3):
        ledger.append(AuditEvent("ana", "note", f"{number}"))
    run = ledger.begin("2026w47", "train", "west", "inputs")
    ledger.finish(run, "output")
    ledger.copy(tmp_path / "copy.db")
    ledger.append(AuditEvent("ana", "note", "afterwards"))
    with Ledger.open(tmp_path / "copy.db", clock) as copy:
        assert copy.audit() == ledger.audit()[:-1]
        assert copy.steps("2026w47") == ledger.steps("2026w47")
        assert copy.verify().ok


def test_a_laptops_ledger_moves_to_a_server(postgresql, tmp_path, clock):
    with Ledger.open(tmp_path / "ledger.db", clock) as file:
        file.append(AuditEvent("ana", "note", "before"))
        url = postgresql.database()
        file.copy(url)
        with Ledger.open(url, clock) as server:
            server.append(AuditEvent("ana", "note", "after"))
            assert [record.subject for record in server.audit()] == ["before", "after"]
            assert server.verify().ok


def test_a_ledger_that_holds_something_is_not_copied_into(ledger, tmp_path, clock):
    with Ledger.open(tmp_path / "other.db", clock) as other:
        other.append(AuditEvent("ana", "note", "mine"))
        with pytest.raises(UsageError, match="name an empty one"):
            ledger.copy(tmp_path / "other.db")
        assert [record.subject for record in other.audit()] == ["mine"]
