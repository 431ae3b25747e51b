"""A product that goes on under another number: what a panel and its features make of it."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.features.borrowing import lend
from fleetcast.features.design import Design
from fleetcast.features.panel import Panel
from fleetcast.models.baseline import HistoricalAverage
from fleetcast.settings import FeatureSettings
from fleetcast.succession import borrowed, lines, predecessors
from fleetcast.testing import builders
from fleetcast.testing.shop import COVARIATES, RETURNS_WEEKS, Shop, shop

SETTINGS = FeatureSettings(windows=(4, 8, 13), seasonal_lags=(26,))
SHOP = shop()
OLD, NEW = "00000", "90000"
FIRST = SHOP.deliveries["week"].min()
SWAP = FIRST + 30 * WEEK
CUTOFF = FIRST + 36 * WEEK
SUCCESSION = predecessors(builders.products(NEW, listed=SWAP, replaces=OLD), CUTOFF)


def renumbered(made: Shop) -> Shop:
    """The shop in which the old product goes by the new number from the week of the swap on."""

    def numbered(frame: pl.DataFrame) -> pl.DataFrame:
        new = (pl.col("product") == OLD) & (pl.col("week") >= SWAP)
        return frame.with_columns(pl.when(new).then(pl.lit(NEW)).otherwise("product").alias("product"))

    tables = {name: numbered(getattr(made, name)) for name in ("deliveries", "returns", "promotions")}
    again = made.series.filter(pl.col("product") == OLD).with_columns(product=pl.lit(NEW))
    return replace(made, **tables, series=pl.concat([made.series, again]))


def in_lines(made: Shop) -> Shop:
    known = made.series.join(lines(SUCCESSION), on="product", how="left")
    return replace(made, series=known.with_columns(pl.coalesce("line", "product")))


def succeeding(made: Shop, cutoff=CUTOFF) -> Panel:
    return lend(in_lines(made).panel(cutoff), borrowed(made.demand(cutoff), SUCCESSION))


@pytest.fixture(scope="module")
def swapped() -> Panel:
    return succeeding(renumbered(SHOP))


def designed(panel: Panel) -> Design:
    return Design.of(panel, SETTINGS, COVARIATES)


def features(panel: Panel, product: str, *, first=30, training=False) -> np.ndarray:
    design = designed(panel)
    rows = (panel.series["product"] == product).to_numpy()
    return design.examples(rows=rows, first=first, training=training).X


def of_the_series(names: tuple[str, ...]) -> list[int]:
    """Columns that look at no other series: the old number stays in the panel, and is one more to compare with."""
    about_others = ("store ", "promotions.price-others", "promotions.price-lowest", "alike")
    return [j for j, name in enumerate(names) if not name.startswith(about_others)]


@pytest.mark.parametrize("training", [True, False])
def test_a_product_under_a_new_number_has_the_features_it_would_have_had_under_the_old_one(swapped, training):
    before, after = SHOP.panel(CUTOFF), swapped
    own = of_the_series(designed(before).names)
    expected = features(before, OLD, training=training)[:, own]
    np.testing.assert_allclose(features(after, NEW, training=training)[:, own], expected, atol=1e-6)
    assert len(expected) > 10


def test_to_a_model_a_successor_is_the_product_that_its_line_began_with(swapped):
    examples = designed(swapped).examples(training=True)
    assert examples.products == tuple(f"{n:05d}" for n in range(4))
    mine = (swapped.series["product"] == NEW).to_numpy()[examples.row]
    assert {examples.products[code] for code in examples.product[mine]} == {OLD}


def test_every_week_is_learned_from_exactly_once(swapped):
    before, after = designed(SHOP.panel(CUTOFF)), designed(swapped)
    assert len(after.examples(training=True)) == len(before.examples(training=True))
    assert after.ledger() == before.ledger()
    new = (swapped.series["product"] == NEW).to_numpy()
    assert after.examples(rows=new, training=True).week.min() == 30
    assert np.nansum(swapped.own_units()) == np.nansum(SHOP.panel(CUTOFF).units)


def test_before_it_begins_a_successor_changes_nothing_for_the_others(swapped):
    nothing_lent = in_lines(renumbered(SHOP)).panel(CUTOFF)
    about_plans = ("promotions.price-", "alike")  # where the new number's plan is filled in anyway
    columns = [j for j, name in enumerate(designed(swapped).names) if not name.startswith(about_plans)]
    rows = swapped.series["product"].is_in([OLD, NEW]).not_().to_numpy()
    lonely, beside = (
        designed(panel).examples(rows=rows, last=29, training=False).X[:, columns]
        for panel in (nothing_lent, swapped)
    )
    np.testing.assert_array_equal(beside, lonely)


def test_an_average_counts_borrowed_weeks_for_the_successor_and_once_in_all(swapped):
    def average(panel: Panel, product: str) -> float:
        fitted = HistoricalAverage().fit(panel)
        return fitted.predict(panel.series.filter(pl.col("product") == product))["baseline_mean"][0]

    assert average(swapped, NEW) == pytest.approx(average(SHOP.panel(CUTOFF), OLD))
    everything = [
        HistoricalAverage().fit(panel).levels[-1]["mean"][0] for panel in (swapped, SHOP.panel(CUTOFF))
    ]
    assert everything[0] == pytest.approx(everything[1])


def test_before_its_first_week_a_successor_is_its_predecessor(swapped):
    cutoff = SWAP - WEEK
    panel = succeeding(renumbered(SHOP), cutoff)
    own = of_the_series(designed(panel).names)
    ahead = [features(panel, product, first=30)[:, own] for product in (OLD, NEW)]
    prices = [j for j, k in enumerate(own) if designed(panel).names[k].startswith("promotions")]
    known = [j for j in range(len(own)) if j not in prices]  # the new one has its own plan
    np.testing.assert_array_equal(ahead[1][:, known], ahead[0][:, known])
    assert len(designed(panel).examples(rows=(panel.series["product"] == NEW).to_numpy(), training=True)) == 0


def test_lags_of_open_weeks_are_as_they_were_known_of_the_predecessor(swapped):
    new, old = (swapped.series["product"] == NEW).to_numpy(), (swapped.series["product"] == OLD).to_numpy()
    assert swapped.seen.shape[0] == RETURNS_WEEKS
    np.testing.assert_array_equal(swapped.seen[:, new, :30], swapped.seen[:, old, :30])
    assert not np.array_equal(swapped.seen[0, new, 25:30], swapped.units[new, 25:30])


def test_without_a_succession_a_panel_stays_as_it_is():
    panel = SHOP.panel(CUTOFF)
    assert lend(panel, borrowed(SHOP.demand(CUTOFF), SUCCESSION.clear())) is panel
    assert not panel.waiting.any()
