"""Publications: written once, and they tell when the audit chain was cut."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from fleetcast.domain.errors import CorruptError
from fleetcast.registry.publications import Publication, Publications


@pytest.fixture
def publications(tmp_path: Path) -> Publications:
    return Publications(tmp_path / "publications")


FIRST = Publication("2026-11-16", "r" * 64, forecasts="f1", audit_seq=3, audit_hash="h3")


def test_the_same_forecasts_again_keep_their_first_publication(publications):
    assert publications.publish(FIRST) == FIRST
    assert publications.publish(replace(FIRST, audit_seq=9, audit_hash="h9")) == FIRST
    assert publications.list() == [FIRST]


def test_other_forecasts_get_the_next_revision_and_overwrite_nothing(publications):
    publications.publish(FIRST)
    second = publications.publish(replace(FIRST, forecasts="f2", audit_seq=5))
    assert second.revision == 2
    assert publications.list() == [FIRST, second]
    assert publications.last(FIRST.cycle, FIRST.release) == second


def test_a_changed_publication_is_found(publications, tmp_path):
    publications.publish(FIRST)
    (path,) = tmp_path.rglob("*.json")
    content = path.read_bytes()
    path.chmod(0o644)
    for damage in (content.replace(b"f1", b"f2"), content[:-9], b"", b"[]"):
        path.write_bytes(damage)
        with pytest.raises(CorruptError, match="restore it"):
            publications.list()


def test_a_cut_tail_of_the_audit_chain_is_found_by_what_was_published(
    fleet, registry, publications, tmp_path
):
    fleet.promote(fleet.full())
    seq, head = registry.ledger.head()
    publications.publish(Publication("2026-11-16", registry.ledger.pointer(), "f", seq, head))
    assert registry.ledger.verify(publications.anchors()).ok
    ledger = sqlite3.connect(tmp_path / "dev" / "ledger.db")
    ledger.execute("DROP TRIGGER audit_no_delete")
    ledger.execute("DELETE FROM audit WHERE seq = ?", [seq])
    ledger.commit()
    ledger.close()
    assert registry.ledger.verify().ok
    assert not registry.ledger.verify(publications.anchors()).ok
