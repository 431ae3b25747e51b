"""Which data a run reads: pinned in Git where people are, moved under policy where nobody is."""

from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.tables import DEMAND
from fleetcast.fleet import admission, pins, raw_files, run, tables
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import ColumnChange, TableChange
from fleetcast.fleet.steps import Steps
from fleetcast.settings import DataPolicy
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, write_file

POLICY = DataPolicy(correction_weeks=8, volume=0.2)


def again(folder, *, minutes: int = 5, environment: str = "dev", only=None):
    w = opened(folder, WEDNESDAY + timedelta(minutes=minutes), environment)
    return run.run_cycle(w, only=only, progress=Silent(), actor="test")


def deliver(folder, weeks_back: int, delivered: float, *, name: str = "late") -> None:
    """A late file that restates one store's product in a week."""
    week = LAST - timedelta(weeks=weeks_back)
    rows = kiosks()["deliveries"].filter(
        (pl.col("week") == week) & (pl.col("store") == "east-1") & (pl.col("product") == "00001")
    )
    write_file(folder, "deliveries", rows.with_columns(delivered=pl.lit(delivered)), name=name)


# ---------------------------------------------------------------- the policy


def change(**of) -> TableChange:
    return TableChange(
        **{"table": "deliveries", "kind": "append", "weeks": (), "rows_before": 100, "rows_after": 108} | of
    )


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ({}, []),
        ({"rewritten": ("2026-10-26",)}, []),
        ({"rewritten": ("2026-08-03",)}, ["deliveries: week 2026-08-03 changed, more than 8 weeks back"]),
        ({"shrunk": ("2026-11-02",)}, ["deliveries: week 2026-11-02 lost rows"]),
        ({"kind": "schema"}, ["deliveries: its columns changed"]),
        (
            {"columns": (ColumnChange("delivered", 100.0, 130.0, 0.3),)},
            ["deliveries: known weeks hold +30%, over ±20%"],
        ),
        ({"columns": (ColumnChange("delivered", 100.0, 110.0, 0.3),)}, []),
    ],
)
def test_new_weeks_and_late_corrections_pass_and_all_else_has_to_be_looked_at(of, told):
    assert admission.blocking([change(**of)], newest=date(2026, 11, 9), policy=POLICY) == told


# ---------------------------------------------------------------- an environment that moves by itself


def prod(folder, minutes: int = 5):
    return opened(folder, WEDNESDAY + timedelta(minutes=minutes), "prod")


@pytest.fixture
def first_pin(chain):
    """Prod's lake with the data of the first files, admitted."""
    conditioned(chain)
    return chain, pins.admit(prod(chain), actor="timer")


def conditioned(folder, minutes: int = 5) -> None:
    w = prod(folder, minutes)
    steps = Steps("data", w.ledger, w.bank)
    raw_files.condition(w, steps, raw_files.receive(w, Silent()), Silent())


def test_the_first_data_are_admitted_and_the_pin_is_an_event(first_pin):
    folder, pin = first_pin
    (record,) = prod(folder).ledger.audit(action="data.pin")
    assert (record.subject, record.before, record.reason) == (pin.digest, None, "the first data")
    assert pins.admit(prod(folder), actor="timer") == pin
    assert len(prod(folder).ledger.audit(action="data.pin")) == 1


def test_a_late_correction_moves_the_pin_with_its_difference_as_the_reason(first_pin):
    folder, pin = first_pin
    deliver(folder, 2, 15.0)
    conditioned(folder, 10)
    moved = pins.admit(prod(folder, 11), actor="timer")
    record = prod(folder).ledger.audit(action="data.pin")[-1]
    assert (record.before, record.after) == (pin.digest, moved.digest)
    assert record.reason.startswith("deliveries: correction, ")


def test_a_correction_of_long_ago_is_refused_until_somebody_has_looked(first_pin):
    folder, pin = first_pin
    deliver(folder, 30, 15.0)
    conditioned(folder, 10)
    with pytest.raises(PolicyRefusal, match="more than 13 weeks back") as caught:
        pins.admit(prod(folder, 11), actor="timer")
    w = prod(folder, 12)
    assert w.ledger.audit()[caught.value.event - 1].action == "refused.data"
    assert pins.standing(w) == pin
    with pytest.raises(UsageError, match=f"the data of prod are {pins.latest(w).digest[:12]} now"):
        pins.acknowledge(w, pin.digest, actor="dana", reason="looked")
    pins.acknowledge(w, pins.latest(w).digest[:12], actor="dana", reason="the depot found its old books")
    assert pins.admit(prod(folder, 13), actor="timer") == pins.latest(w)


def test_only_a_data_engineer_acknowledges_where_policy_names_them(first_pin):
    folder, _ = first_pin
    (folder / "policy.toml").write_text('schema = 1\n[data]\npeople = ["dana"]\n', "utf-8")
    w = prod(folder)
    with pytest.raises(PolicyRefusal, match="eve may not acknowledge data; dana may"):
        pins.acknowledge(w, pins.latest(w).digest, actor="eve", reason="fine")
    with pytest.raises(UsageError, match="needs a reason"):
        pins.acknowledge(w, pins.latest(w).digest, actor="dana", reason=" ")


# ---------------------------------------------------------------- a lock in Git


def test_a_run_reads_what_the_lock_pins_and_newer_data_wait_for_it(chain):
    w = opened(chain)
    demand = w.lake.version(DEMAND)
    pins.path(w).write_text(pins.pinned(w).text, "utf-8")
    deliver(chain, 2, 500.0)
    again(chain)
    w = opened(chain)
    assert w.lake.version(DEMAND) == demand
    assert [one.table for one in tables.diff(w, pins.standing(w))] == ["deliveries"]
    pins.path(w).write_text(pins.pinned(w).text, "utf-8")
    again(chain, minutes=10)
    assert opened(chain).lake.version(DEMAND) != demand


def test_a_pin_says_what_it_changes_and_nothing_when_nothing_changed(chain):
    w = opened(chain)
    first = pins.pinned(w)
    assert (first.same, first.sentence) == (False, "the first data")
    pins.path(w).write_text(first.text, "utf-8")
    assert pins.pinned(opened(chain)).same
    deliver(chain, 2, 500.0)
    again(chain, only="condition")
    found = pins.pinned(opened(chain))
    (only,) = found.changes
    assert (only.kind, only.segments, only.partitions) == ("correction", 2, ("east",))
    assert [column.column for column in only.columns] == ["delivered"]
    assert only.moved is not None
    assert only.moved > 0


def test_a_lock_that_was_edited_or_names_what_is_not_here_is_refused(chain):
    w = opened(chain)
    text = pins.pinned(w).text
    version = pins.latest(w)["deliveries"]
    pins.path(w).write_text(text.replace(version, "0" * 64), "utf-8")
    with pytest.raises(UsageError, match="was edited by hand"):
        again(chain)
    pins.path(w).write_text("no lock", "utf-8")
    with pytest.raises(UsageError, match="is no lock of data"):
        again(chain)
