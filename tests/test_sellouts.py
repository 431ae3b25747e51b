import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.sellouts import lost_sales
from fleetcast.sources.sample.retailer import simulate
from fleetcast.testing.builders import weekly_sales


def series(
    units: list[float | None], delivered: list[float], censored: list[bool], **more: str
) -> pl.DataFrame:
    return weekly_sales(*units, **more).with_columns(
        delivered=pl.Series(delivered), censored=pl.Series(censored), segment=pl.lit("north-texas/large/fast")
    )


def drawn(rng: np.random.Generator, weeks: int = 400, *, mean: float = 20, buffer: float = 6) -> pl.DataFrame:
    """Poisson demand against a fixed delivery, with the true loss."""
    wanted = rng.poisson(mean, weeks).astype(float)
    brought = np.full(weeks, mean + buffer)
    sold = np.minimum(wanted, brought)
    rows = series(sold.tolist(), brought.tolist(), (sold == brought).tolist())
    return rows.with_columns(truly=pl.Series(wanted - sold))


def retailer(seed: int) -> pl.DataFrame:
    """What the sample retailer sold, as conditioning would see it, with the true loss."""
    drawn = simulate(regions=4, stores=4, products=12, weeks=110, seed=seed)
    units, delivered, returned = (pl.col(name).cast(pl.Float64) for name in ("sold", "delivered", "returned"))
    usually = (returned > 0).mean().over("store", "product") > 0.5
    return (
        drawn.past.filter(pl.col("delivered") > 0)
        .join(drawn.stores.select("store", "region", "store_format"), on="store")
        .join(drawn.products.select("product", "mover"), on="product")
        .select(
            "week",
            "store",
            "product",
            units.alias("units"),
            delivered.alias("delivered"),
            ((returned == 0) & usually).alias("censored"),
            pl.lit(True).alias("final"),
            pl.concat_str("region", "store_format", "mover", separator="/").alias("segment"),
            "region",
            (pl.col("demand") - pl.col("sold")).cast(pl.Float64).alias("truly"),
        )
    )


@pytest.mark.parametrize("seed", [3, 2026])
def test_the_lost_sales_of_the_sample_retailer_are_found_within_a_fifth(seed: int):
    found = lost_sales(retailer(seed))
    lost, truly = found["lost"].sum(), found["truly"].sum()
    assert truly > 1000
    assert lost == pytest.approx(truly, rel=0.2)


@pytest.mark.parametrize("buffer", [2, 4, 6])
def test_losses_are_found_however_often_a_series_sells_out(buffer: int):
    found = pl.concat(lost_sales(drawn(np.random.default_rng(s), buffer=buffer)) for s in range(10))
    assert found["lost"].sum() == pytest.approx(found["truly"].sum(), rel=0.2)


def test_only_sold_out_weeks_lose_sales():
    found = lost_sales(drawn(np.random.default_rng(6)))
    assert (found.filter(~pl.col("censored"))["lost"] == 0).all()
    assert (found.filter("censored")["lost"] > 0).all()


def test_a_fleet_that_never_sold_out_lost_nothing():
    found = lost_sales(series([5.0, 6.0, 4.0], [9.0, 9.0, 9.0], [False] * 3))
    assert found["lost"].to_list() == [0.0, 0.0, 0.0]


def test_unknown_weeks_and_pools_with_nothing_to_learn_from_have_no_estimate():
    unknown = series([None, 6.0, 7.0, 9.0], [9.0, 9.0, 9.0, 9.0], [False, False, False, True])
    assert lost_sales(unknown)["lost"].is_null().to_list() == [True, False, False, False]
    always = series([9.0, 8.0], [9.0, 8.0], [True, True])
    assert lost_sales(always)["lost"].is_null().all()


def test_a_sold_out_week_that_is_not_final_yet_has_no_estimate():
    still_open = series([5.0, 9.0], [9.0, 9.0], [False, True]).with_columns(final=pl.Series([True, False]))
    assert lost_sales(still_open)["lost"].to_list() == [0.0, None]
    alone = lost_sales(still_open.filter("censored"))
    assert alone["lost"].to_list() == [None]


def test_no_rows_have_no_losses():
    assert lost_sales(drawn(np.random.default_rng(1)).clear())["lost"].to_list() == []


def test_rows_keep_their_order_and_other_series_do_not_move_a_pool_of_its_own():
    one = drawn(np.random.default_rng(7))
    other = drawn(np.random.default_rng(8), mean=60, buffer=3).with_columns(
        store=pl.lit("S2"), segment=pl.lit("ohio/small/slow")
    )
    both = lost_sales(pl.concat([other, one]))
    assert both["store"].to_list() == ["S2"] * other.height + ["S1"] * one.height
    assert both.filter(store="S1")["lost"].to_list() == pytest.approx(lost_sales(one)["lost"].to_list())


weeks = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=60)
@given(weeks)
def test_whatever_the_weeks_an_estimate_is_a_number_of_units_or_nothing(weeks):
    units = [min(wanted, brought) for wanted, brought, _ in weeks]
    brought = [brought for _, brought, _ in weeks]
    censored = [wanted >= brought and flag for wanted, brought, flag in weeks]
    lost = lost_sales(series(units, brought, censored))["lost"].drop_nulls()
    assert lost.is_finite().all()
    assert (lost >= 0).all()
