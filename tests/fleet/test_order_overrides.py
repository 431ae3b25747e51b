"""A person's decision about an order stands beside it: audited, exported, undoable."""

import shutil

import pytest

from fleetcast.domain.errors import ConflictError, NotFound, UsageError
from fleetcast.domain.tables import ORDER_SHEET, ORDERS
from fleetcast.fleet import order_overrides, order_sheets
from fleetcast.lake import export
from fleetcast.testing.served import Size, opened, served

WHERE = ("S01-l01", "fast-01")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fleet that is made once, and copied for each test."""
    return served(tmp_path_factory.mktemp("made") / "fleet", Size(regions=1, series=1, weeks=10)).folder


@pytest.fixture
def w(made, tmp_path):
    return opened(shutil.copytree(made, tmp_path / "fleet"))


@pytest.fixture
def order(w):
    return order_overrides.recommended(w, *WHERE)


def sheet(w, folder):
    order_sheets.take_out(w, str(folder), kind="csv", table="")
    rows = export.read(folder / "order_sheet.csv", ORDER_SHEET)
    return next(row for row in rows.iter_rows(named=True) if (row["store"], row["product"]) == WHERE)


def test_an_override_is_exported_beside_the_order_that_it_leaves_as_it_is(w, order, tmp_path):
    stored = w.lake.version(ORDERS)
    order_overrides.override(w, order, 20, actor="ana", reason="a fair next door")
    row = sheet(w, tmp_path)
    assert (row["order"], row["override"], row["bring"]) == (order.recommended, 20.0, 20.0)
    assert (row["override_by"], row["override_reason"]) == ("ana", "a fair next door")
    assert w.lake.version(ORDERS) == stored


def test_an_override_is_in_the_audit_chain_with_who_and_why(w, order):
    made = order_overrides.override(w, order, 20, actor="ana", reason="a fair next door")
    with w.ledger.view() as view:
        record = view.record(made.seq)
    assert (record.actor, record.action, record.reason) == ("ana", "order.override", "a fair next door")
    assert record.subject == "S01-l01/fast-01/2026-11-16"
    assert w.ledger.verify({}).ok


def test_what_was_decided_is_undone_and_stays_known(w, order, tmp_path):
    order_overrides.override(w, order, 20, actor="ana", reason="a fair next door")
    order_overrides.undo(w, order, actor="ben", reason="the fair is off")
    row = sheet(w, tmp_path)
    assert (row["override"], row["bring"]) == (None, order.recommended)
    assert [one.decision for one in order_overrides.every(w)] == ["undo", "override"]
    assert [one.by for one in order_overrides.every(w, by="ana")] == ["ana"]


def test_the_last_decision_holds(w, order):
    order_overrides.accept(w, order, actor="ana")
    last = order_overrides.override(w, order, 0, actor="ben", reason="closed that week")
    assert order_overrides.holding(w, order.cycle) == {order: last}


def test_who_did_not_see_the_last_decision_is_told_of_it(w, order):
    order_overrides.override(w, order, 20, actor="ana", reason="a fair next door")
    with pytest.raises(ConflictError, match="meanwhile ana decided on 20"):
        order_overrides.override(w, order, 30, actor="ben", reason="a fair", seen=0)


@pytest.mark.parametrize("units", [-1, 2.5, float("nan"), 1e9])
def test_what_is_no_quantity_is_refused(w, order, units):
    with pytest.raises(UsageError, match="is no order"):
        order_overrides.override(w, order, units, actor="ana", reason="a fair")
    assert order_overrides.every(w) == []


def test_an_override_needs_a_reason_and_an_undoing_something_to_undo(w, order):
    with pytest.raises(UsageError, match="say why"):
        order_overrides.override(w, order, 3, actor="ana", reason=" ")
    with pytest.raises(UsageError, match="nothing was decided"):
        order_overrides.undo(w, order, actor="ana", reason="never mind")


def test_only_an_order_that_was_published_can_be_decided_on(w):
    with pytest.raises(NotFound, match="has no order of fast-99"):
        order_overrides.recommended(w, "S01-l01", "fast-99")
