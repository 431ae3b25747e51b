from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleetcast.scoring.failover import VALUES, serve, universe
from fleetcast.scoring.output_gate import bounds, problems, sold, sound, unusable
from fleetcast.testing.shop import shop

CYCLE = date(2026, 11, 16)
SEGMENT = "north-texas/large/fast"
STORES = ("0042", "0043")


def active() -> pl.DataFrame:
    return pl.DataFrame({"store": STORES, "product": "cola", "segment": SEGMENT})


def outcome(units: float = 10.0):
    rows = [
        (CYCLE + timedelta(weeks=h), store, "cola", "m", *([units] * len(VALUES)))
        for store in STORES
        for h in (1, 2)
    ]
    champion = pl.DataFrame(rows, schema=["week", "store", "product", "model", *VALUES], orient="row")
    return serve(active(), {"champion": champion}, cycle=CYCLE, horizons=(1, 2), release="r1")


def history(*units: float, weeks: int = 60) -> pl.DataFrame:
    """Demand of past weeks, both series alike, walking through these units."""
    rows = [
        (CYCLE - timedelta(weeks=i), store, "cola", SEGMENT, units[i % len(units)])
        for i in range(weeks)
        for store in STORES
    ]
    return pl.DataFrame(rows, schema=["week", "store", "product", "segment", "units"], orient="row")


def found(
    forecasts: pl.DataFrame | None = None,
    completeness: pl.DataFrame | None = None,
    past: pl.DataFrame | None = None,
) -> list[str]:
    good = outcome()
    asked = (
        good.forecasts if forecasts is None else forecasts,
        good.completeness if completeness is None else completeness,
        universe(active(), cycle=CYCLE, horizons=(1, 2)),
        history(9, 10, 12) if past is None else past,
    )
    told = problems(*asked)
    assert sound(*asked) == (told == [])
    return told


def test_a_whole_publication_has_no_problems():
    assert found() == []


def test_a_lost_row_is_found():
    assert found(outcome().forecasts.head(3)) == ["1 rows are said to be published, but are not"]


def test_a_row_lost_from_the_ledger_too_is_found():
    good = outcome()
    lost = found(good.forecasts.head(3), good.completeness.head(3))
    assert "1 rows are active, but not in the completeness ledger" in lost


def test_a_doubled_row_is_found():
    good = outcome().forecasts
    assert found(pl.concat([good, good.head(1)])) == ["1 rows are published twice"]


def test_a_row_nobody_asked_for_is_found():
    good = outcome().forecasts
    extra = good.head(1).with_columns(store=pl.lit("9999"))
    assert found(pl.concat([good, extra])) == ["1 rows are published, but not in the completeness ledger"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"mape": float("nan")}, "4 rows have a value that is missing or not finite"),
        ({"q0.1": -1.0}, "4 rows have a negative value"),
        ({"q0.1": 11.0}, "4 rows have quantiles out of order"),
    ],
)
def test_a_value_that_cannot_be_is_found(broken: dict[str, float], words: str):
    bad = outcome().forecasts.with_columns(**{name: pl.lit(value) for name, value in broken.items()})
    assert words in found(bad)


def test_a_blocked_row_needs_a_reason():
    silent = outcome().completeness.with_columns(state=pl.lit("blocked"), reason=pl.lit(""))
    assert "4 rows are blocked without a reason" in found(outcome().forecasts.clear(), silent)


@pytest.mark.parametrize("units", [0.0, 100.0])
def test_totals_outside_the_segments_own_history_are_found(units: float):
    text = found(outcome(units).forecasts)
    assert len(text) == 2  # one a week
    assert text[0].startswith(f"{SEGMENT}, week 2026-11-23: {2 * units:.0f} units forecast for 2 series")


def test_totals_as_large_as_a_week_that_has_been_are_let_out():
    assert found(outcome(60.0).forecasts, past=history(*[10] * 29, 60.0)) == []


def test_a_segment_with_little_history_is_not_held_against_it():
    assert found(outcome(100.0).forecasts, past=history(10, weeks=5)) == []


def test_a_segment_of_zeros_may_be_forecast_a_little_but_not_much():
    assert found(outcome(0.4).forecasts, past=history(0)) == []
    assert len(found(outcome(20.0).forecasts, past=history(0))) == 2


def test_bounds_are_per_series_so_a_new_store_does_not_move_them():
    one = bounds(history(9, 10, 12).filter(pl.col("store") == "0042"))
    assert one.rows() == bounds(history(9, 10, 12)).rows()


def test_what_a_panel_sold_bounds_its_segments_as_its_demand_does():
    made = shop(stores=3, products=2)
    panel = made.panel(made.deliveries["week"].max())
    row, week = np.nonzero(panel.given[:, : panel.cutoff + 1])
    units = panel.units[row, week]
    demand = panel.series.select("store", "product", "segment")[row].with_columns(
        week=pl.Series(panel.weeks).gather(week), units=pl.Series(units, nan_to_null=True)
    )
    assert demand.height > 100
    assert_frame_equal(bounds(sold(panel)), bounds(demand))


def test_a_champion_whose_rows_are_mostly_no_forecasts_is_not_to_be_trusted():
    rows = pl.DataFrame(
        {
            "segment": ["a"] * 3 + ["b"] * 2,
            "reason": ["invalid_row", "invalid_row", "ok", "invalid_row", "ok"],
        }
    )
    assert unusable(rows) == ["a"]
