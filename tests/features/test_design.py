"""Examples: no leak, no gap, no lost row."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK, known_by
from fleetcast.features.design import Design
from fleetcast.features.examples import Examples, aligned
from fleetcast.settings import FeatureSettings
from fleetcast.testing.shop import COVARIATES, Shop, shop

SETTINGS = FeatureSettings(windows=(4, 8, 13), seasonal_lags=(26,))


def designed(made: Shop, cutoff: int) -> Design:
    week = made.deliveries["week"].min() + cutoff * WEEK
    return Design.of(made.panel(week), SETTINGS, COVARIATES)


def spoiled_after(made: Shop, cutoff: int) -> Shop:
    """The same shop with everything changed that became known after the cutoff's moment."""
    moment = known_by(made.deliveries["week"].min() + cutoff * WEEK, 2)
    later = pl.col("known_at") > moment

    def spoil(frame: pl.DataFrame) -> pl.DataFrame:
        numbers = [name for name, kind in frame.schema.items() if kind == pl.Float64]
        return frame.with_columns(
            pl.when(later).then(pl.col(name) * 7 + 13).otherwise(name).alias(name) for name in numbers
        )

    frames = ("deliveries", "returns", "weather", "promotions", "shoppers")
    new = pl.DataFrame(
        {"event": ["surprise"], "first": [moment.date()], "last": [moment.date()], "scope": ["all"]}
    )
    surprise = new.with_columns(known_at=pl.lit(moment + timedelta(seconds=1)).cast(pl.Datetime("us", "UTC")))
    return replace(
        made,
        **{name: spoil(getattr(made, name)) for name in frames},
        events=pl.concat([made.events, surprise.select(made.events.columns)]),
    )


def test_features_made_for_the_weeks_after_the_cutoff_alone_are_the_same_and_no_others_can_be_read():
    made = shop()
    whole = designed(made, 30)
    later = Design.of(whole.panel, SETTINGS, COVARIATES, since=whole.panel.cutoff + 1)
    assert later.digest == whole.digest
    np.testing.assert_array_equal(later.ahead().X, whole.ahead().X)
    with pytest.raises(ValueError, match="target weeks from number 31 on"):
        later.examples(training=True)
    with pytest.raises(ValueError, match="target weeks from number 31 on"):
        later.ahead(origin=20)


@pytest.mark.parametrize("training", [True, False])
def test_a_forecast_sees_nothing_that_became_known_after_its_cutoff(training):
    made = shop()
    calm, spiked = designed(made, 30), designed(spoiled_after(made, 30), 30)
    assert calm.names == spiked.names
    before, after = calm.examples(training=training), spiked.examples(training=training)
    np.testing.assert_array_equal(before.X, after.X)
    np.testing.assert_array_equal(before.units, after.units)


def test_history_is_read_as_it_was_known_at_the_origin_not_as_it_is_known_now():
    made = shop()
    early, late = designed(made, 25), designed(made, 38)
    names = [name for name in early.names if name.startswith(("lag", "mean"))]
    at = [early.names.index(name) for name in names]
    one, other = (
        design.examples(training=False, horizons=(2,), first=24, last=24).X[:, at] for design in (early, late)
    )
    # the product's usual share of returns is estimated anew at each cutoff; the counts themselves do not move
    np.testing.assert_allclose(one, other, atol=0.08)


def test_no_feature_has_a_gap_even_for_a_series_without_history():
    made = shop()
    newcomer = made.series.head(1).with_columns(product=pl.lit("99999"))
    design = designed(replace(made, series=pl.concat([made.series, newcomer])), 30)
    everything = design.examples(training=False)
    assert np.isfinite(everything.X).all()
    assert "99999" in everything.products


def test_every_series_has_one_row_per_horizon_after_the_cutoff():
    design = designed(shop(), 30)
    cutoff = design.panel.cutoff
    future = design.examples(training=False, first=cutoff + 1)
    made_at = future.week - future.horizon
    latest = future.take(made_at == cutoff)
    assert len(latest) == len(design.panel) * 2
    assert (made_at <= cutoff).all()


def test_only_final_weeks_past_the_warm_up_are_trained_on():
    design = designed(shop(), 30)
    train = design.examples(training=True)
    assert train.week.max() == 28  # two weeks of returns are open
    assert (train.week - train.horizon).min() >= 3
    assert np.isfinite(train.units).all()


def test_the_training_ledger_closes():
    design = designed(shop(), 30)
    ledger = design.ledger(first=10)
    assert ledger["conditioned"] == sum(count for reason, count in ledger.items() if reason != "conditioned")
    assert ledger["fitted"] == len({*zip(*rows_of(design.examples(training=True, first=10)), strict=True)})


def test_a_demand_row_that_the_panel_lost_leaves_the_ledger_open():
    design = designed(shop(), 30)
    lost = replace(design.panel, conditioned=design.panel.conditioned + 1)
    ledger = replace(design, panel=lost).ledger()
    assert ledger["conditioned"] != sum(count for reason, count in ledger.items() if reason != "conditioned")


def rows_of(examples: Examples) -> tuple[list[int], list[int]]:
    return examples.row.tolist(), examples.week.tolist()


def test_rows_of_one_segment_equal_those_rows_of_all():
    design = designed(shop(), 30)
    chosen = np.arange(len(design.panel)) % 2 == 0
    everything, some = design.examples(training=True), design.examples(rows=chosen, training=True)
    np.testing.assert_array_equal(everything.take(chosen[everything.row]).X, some.X)


def test_columns_are_matched_by_name():
    examples = designed(shop(), 30).examples(training=True)
    turned = aligned(examples, examples.names[::-1])
    np.testing.assert_array_equal(turned.X, examples.X[:, ::-1])
    assert {turned.names[j] for j in turned.slopes} == {examples.names[j] for j in examples.slopes}
    with pytest.raises(UsageError, match="lack 1 feature"):
        aligned(examples, (*examples.names, "unheard of"))


def test_the_feature_spec_has_a_digest_of_its_names():
    made = shop()
    one = designed(made, 30)
    fewer = Design.of(one.panel, SETTINGS.model_copy(update={"harmonics": 1}), COVARIATES)
    assert one.digest == designed(made, 31).digest
    assert one.digest != fewer.digest
