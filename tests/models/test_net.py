"""The embedding network: what it learns, and what it does not depend on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fleetcast.domain.errors import DataError
from fleetcast.features.examples import Examples
from fleetcast.models.net import HEADS, LONGEST, FittedNet, Net, carried, load
from fleetcast.models.net_rows import coding
from fleetcast.models.net_schedule import epochs, newest_and_some, rates

QUICK = Net(epochs=4, batch=128, fewest_steps=1)
LEARNING = Net(epochs=30, batch=128, rate=3e-3)


def sales(
    *,
    stores: int = 4,
    products: int = 3,
    weeks: int = 60,
    horizons: tuple[int, ...] = (1, 2),
    noise: float = 0.3,
    skew: float = 0.0,
    zeros: float = 0.0,
    seed: int = 0,
) -> Examples:
    """Made-up sales that depend on store, product and two columns; `skew` is the share of weeks that sell 5 times more."""
    random = np.random.default_rng(seed)
    series, steps = stores * products, len(horizons)
    row = np.tile(np.repeat(np.arange(series), weeks), steps)
    week = np.tile(np.arange(weeks), series * steps)
    x = random.standard_normal((series, weeks, 3)).astype(np.float32)
    level = 3 + 0.5 * np.arange(stores)[:, None] - 0.4 * np.arange(products)
    logs = level.reshape(-1, 1) + 0.4 * x[..., 0] + noise * random.standard_normal((series, weeks))
    logs += np.log(5.0) * (random.random((series, weeks)) < skew)
    units = np.round(np.exp(logs)) * (random.random((series, weeks)) >= zeros)
    return Examples(
        X=x[row, week],
        names=("price", "deal", "nothing"),
        slopes=(),
        horizon=np.repeat(np.array(horizons, np.int8), series * weeks),
        store=(row // products).astype(np.int32),
        product=(row % products).astype(np.int32),
        stores=tuple(f"store {i}" for i in range(stores)),
        products=tuple(f"product {i}" for i in range(products)),
        week_of_year=(week % 52 + 1).astype(np.int16),
        week=week.astype(np.int32),
        row=row.astype(np.int32),
        units=units[row, week],
    )


def festive(effects: tuple[float, ...] = (1.0, 0.0, -1.0)) -> Examples:
    """Sales of which a share of weeks lies in an event that each product answers in its own way."""
    examples = sales(weeks=120, noise=0.1)
    happens = np.random.default_rng(9).random(120)[examples.week] < 0.1
    lift = np.exp(np.array(effects)[examples.product] * happens)
    X = np.column_stack([examples.X[:, :2], happens]).astype(np.float32)
    names = ("price", "deal", "event.fair")
    return replace(examples, X=X, names=names, slopes=(2,), units=np.round(examples.units * lift))


def mape(units: np.ndarray, units_hat: np.ndarray) -> float:
    sold = units > 0
    return float((np.abs(units_hat - units)[sold] / units[sold]).mean())


def relabelled(examples: Examples, name: str, to: str) -> Examples:
    """The same examples with one store under another name."""
    return replace(examples, stores=tuple(to if s == name else s for s in examples.stores))


@pytest.fixture(scope="module")
def learned() -> FittedNet:
    examples = sales()
    return LEARNING.fit(examples.take(examples.week < 50), seed=1)


def test_a_network_learns_what_sets_sales_apart(learned):
    coming = sales().take(sales().week >= 50)
    assert mape(coming.units, learned.predict(coming)["mape"]) < 0.31  # the noise alone leaves 0.25
    flat = np.full(len(coming), np.median(sales().units))
    assert mape(coming.units, flat) > 0.6


def test_equal_examples_and_seed_give_equal_bits():
    first, second = QUICK.fit(sales(), seed=5), QUICK.fit(sales(), seed=5)
    assert all(
        a[name].tobytes() == b[name].tobytes()
        for a, b in zip(first.members, second.members, strict=True)
        for name in a
    )
    assert first.smearing.tobytes() == second.smearing.tobytes()


def test_another_seed_gives_another_network():
    first, second = QUICK.fit(sales(), seed=5), QUICK.fit(sales(), seed=6)
    assert not np.array_equal(first.logs(sales()), second.logs(sales()))


def test_a_warm_start_is_also_equal_bit_for_bit(learned):
    first, second = (QUICK.fit(sales(), seed=5, warm=learned).predict(sales())["mape"] for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_an_event_lifts_each_product_by_its_own_measure():
    examples = festive()
    fitted = LEARNING.fit(examples, seed=4)
    calm = replace(examples, X=examples.X * np.array([1, 1, 0], np.float32))
    fair = replace(calm, X=calm.X + np.array([0, 0, 1], np.float32))
    lift = (fitted.logs(fair) - fitted.logs(calm))[:, 1]
    mine = [lift[examples.product == k].mean() for k in range(3)]
    np.testing.assert_allclose(mine, [1.0, 0.0, -1.0], atol=0.3)


def test_own_slopes_are_carried_by_name_into_a_warm_start():
    examples = festive()
    fitted = QUICK.fit(examples, seed=4)
    more = replace(
        examples, X=np.column_stack([examples.X[:, [2]], examples.X]), names=("event.a", *examples.names)
    )
    more = replace(more, slopes=(0, 3))
    code = coding(more, before=fitted.coding)
    (own,) = (carried(weights, fitted.coding, code)["own"] for weights in fitted.members)
    assert code.slopes == ("event.a", "event.fair")
    assert not own[:, 0].any()
    np.testing.assert_array_equal(own[:, 1], fitted.members[0]["own"][:, 0])


def test_waves_have_own_slopes_and_a_table_that_is_called_like_one_has_none():
    examples = festive()
    for names, sloped in (
        (("price", "sin1", "cos2"), ("sin1", "cos2")),
        (("price", "costs.margin", "single_parents.share"), ()),
    ):
        assert coding(replace(examples, names=names, slopes=(1, 2))).slopes == sloped


def test_each_head_is_best_at_its_own_error():
    examples = sales(stores=3, weeks=300, horizons=(1,), noise=0.5, skew=0.2)
    learn, judge = examples.take(examples.week < 200), examples.take(examples.week >= 200)
    forecast = replace(LEARNING, epochs=20).fit(learn, seed=2).predict(judge)

    def absolute(head: str) -> float:
        return float(np.abs(forecast[head] - judge.units).mean())

    def bias(head: str) -> float:
        return abs(float(forecast[head].sum() / judge.units.sum() - 1))

    assert mape(judge.units, forecast["mape"]) < 0.9 * mape(judge.units, forecast["median"])
    assert absolute("median") < 0.97 * absolute("mape")
    assert bias("mean") < 0.06 < 0.15 < bias("median") < bias("mape")


def test_a_warm_start_comes_close_to_a_cold_one():
    examples = sales(weeks=80)
    judge = examples.take(examples.week >= 70)
    old = LEARNING.fit(examples.take(examples.week < 60), seed=1)
    warm = LEARNING.fit(examples.take(examples.week < 70), seed=2, warm=old)
    cold = LEARNING.fit(examples.take(examples.week < 70), seed=2)
    error = {
        name: mape(judge.units, net.predict(judge)["mape"]) for name, net in (("warm", warm), ("cold", cold))
    }
    assert error["warm"] == pytest.approx(error["cold"], abs=0.02)


def test_a_warm_start_finds_its_stores_by_name(learned):
    still = replace(LEARNING, warm_epochs=1, warm_rate=0.0)
    examples = sales()
    moved = replace(
        examples, stores=examples.stores[::-1], store=np.int32(len(examples.stores) - 1) - examples.store
    )
    assert np.array_equal(still.fit(moved, seed=3, warm=learned).logs(examples), learned.logs(examples))


def test_a_new_store_starts_a_warm_start_as_an_unknown_one(learned):
    still = replace(LEARNING, warm_epochs=1, warm_rate=0.0)
    examples = relabelled(sales(), "store 0", "opened last week")
    warm = still.fit(examples, seed=3, warm=learned)
    assert "opened last week" in warm.coding.stores
    assert np.array_equal(warm.logs(examples), learned.logs(examples))


def test_a_new_column_starts_a_warm_start_without_influence(learned):
    still = replace(LEARNING, warm_epochs=1, warm_rate=0.0)
    examples = sales()
    price, *rest = examples.names
    wider = replace(
        examples,
        names=(price, "weather", *rest),
        X=np.insert(examples.X, 1, np.random.default_rng(0).standard_normal(len(examples)), axis=1),
    )
    np.testing.assert_allclose(
        still.fit(wider, seed=3, warm=learned).logs(wider), learned.logs(examples), atol=1e-5
    )


def test_another_panel_with_other_codes_gets_the_same_forecast(learned):
    examples = sales()
    more = replace(examples, stores=("a new one", *examples.stores), store=examples.store + np.int32(1))
    assert np.array_equal(learned.logs(more), learned.logs(examples))


def test_an_unknown_store_or_product_is_forecast_sensibly(learned):
    examples = sales()
    strange = replace(
        examples, store=np.full_like(examples.store, -1), product=np.full_like(examples.product, -1)
    )
    units_hat = learned.predict(strange)["median"]
    assert 0.3 * np.median(examples.units) < np.median(units_hat) < 3 * np.median(examples.units)


def test_the_unknown_slots_are_trained(learned):
    fresh = LEARNING._start(learned.coding, learned.coding.rows(sales()), np.random.default_rng([1, 1, 0]))
    assert all(
        np.abs(learned.members[0][table][0] - fresh[table][0]).max() > 0.01
        for table in ("store", "product", "week")
    )


def test_forecasts_are_finite_whatever_the_inputs(learned):
    examples = sales()
    wild = np.array([0, 1e30, -1e30, np.inf, -np.inf, np.nan, 3e38, 1e-40], np.float32)
    absurd = replace(
        examples,
        X=np.random.default_rng(0).choice(wild, examples.X.shape),
        week_of_year=np.full_like(examples.week_of_year, 99),
        horizon=np.full_like(examples.horizon, 52),
    )
    for units_hat in learned.predict(absurd).values():
        assert np.isfinite(units_hat).all()
        assert (units_hat >= 0).all()
        assert units_hat.max() <= 2.0 * np.exp(learned.ceiling)


def test_a_column_that_never_varied_is_not_read():
    constant = replace(sales(), X=sales().X * np.array([1, 1, 0], np.float32))
    net = QUICK.fit(constant, seed=1)
    assert np.array_equal(net.logs(constant), net.logs(sales()))


def test_a_column_that_only_tells_the_time_is_not_read():
    examples = sales()
    trend = np.log1p(examples.week) + 0.01 * np.random.default_rng(0).standard_normal(len(examples))
    timed = replace(examples, X=np.where([False, False, True], trend[:, None], examples.X).astype(np.float32))
    later = replace(timed, X=timed.X + np.array([0, 0, 9], np.float32))
    net = QUICK.fit(timed, seed=1)
    assert np.array_equal(net.logs(later), net.logs(timed))


def test_weeks_of_the_year_count_once_three_years_were_seen():
    for weeks, seasonal in ((155, False), (156, True)):
        examples = sales(stores=1, weeks=weeks, horizons=(1,))
        net = QUICK.fit(examples, seed=1)
        shifted = replace(examples, week_of_year=(examples.week_of_year + 19) % 52 + 1)
        assert np.array_equal(net.logs(shifted), net.logs(examples)) != seasonal


def test_a_segment_of_zeros_is_forecast_as_zero():
    nothing = replace(sales(), units=np.zeros(len(sales())))
    for units_hat in QUICK.fit(nothing, seed=1).predict(nothing).values():
        assert units_hat.max() < 0.2


def test_weeks_without_sales_do_not_move_the_mape_head():
    examples = sales(stores=3, weeks=120, horizons=(1,), zeros=0.4)
    forecast = LEARNING.fit(examples, seed=1).predict(examples)
    assert mape(examples.units, forecast["mape"]) < 0.3


def test_negative_and_unknown_units_can_be_learned_from():
    examples = sales()
    units = examples.units.copy()
    units[::7], units[::11] = -3.0, np.nan
    assert np.isfinite(QUICK.fit(replace(examples, units=units), seed=1).predict(examples)["mean"]).all()


def test_a_single_series_is_enough():
    alone = sales(stores=1, products=1, weeks=30, horizons=(1,))
    units_hat = Net().fit(alone, seed=1).predict(alone)["median"]
    assert np.abs(np.log(units_hat / np.median(alone.units))).max() < 1.0


def test_no_known_units_are_an_error():
    with pytest.raises(DataError, match="at least one example"):
        QUICK.fit(replace(sales(), units=np.full(len(sales()), np.nan)), seed=1)


def test_examples_of_another_design_are_refused(learned):
    with pytest.raises(ValueError, match="reads columns price, deal, nothing"):
        learned.predict(replace(sales(), names=("deal", "price", "nothing")))


def test_what_is_dumped_loads_as_the_same_network(learned):
    dumped = learned.dump()
    assert json.loads(json.dumps(dumped.meta)) == dumped.meta
    again = load(replace(dumped, meta=json.loads(json.dumps(dumped.meta))))
    assert all(np.array_equal(again.predict(sales())[head], learned.predict(sales())[head]) for head in HEADS)


def test_a_network_that_learns_has_a_falling_curve_of_its_loss_for_each_member_and_a_warm_start_goes_on_below():
    pair = replace(LEARNING, members=2).fit(sales(), seed=1)
    assert [len(curve) for curve in pair.curves] == [30, 30]
    assert all(curve[-1] < curve[0] / 2 for curve in pair.curves)
    assert pair.curves[0] != pair.curves[1]
    warm = replace(LEARNING, members=2).fit(sales(), seed=1, warm=pair)
    assert [len(curve) for curve in warm.curves] == [1, 1]
    assert all(after[0] < before[0] / 2 for after, before in zip(warm.curves, pair.curves, strict=True))


def test_a_curve_has_no_more_points_than_can_be_kept():
    long = replace(QUICK, epochs=LONGEST + 20, visits=10**6).fit(sales(), seed=1)
    assert [len(curve) for curve in long.curves] == [LONGEST]


def test_members_are_averaged_in_logs():
    pair = replace(QUICK, members=2).fit(sales(), seed=1)
    alone = [replace(pair, members=(weights,)).logs(sales()) for weights in pair.members]
    assert not np.array_equal(*alone)
    np.testing.assert_allclose(pair.logs(sales()), np.mean(alone, axis=0), atol=1e-6)


def test_there_are_as_many_epochs_as_there_are_visits_for_and_no_more_than_the_most():
    examples = sales()
    weeks = len(np.unique([examples.row, examples.week], axis=1).T)
    visits = (1, weeks, 3 * weeks + 1, 100 * weeks)
    lengths = [epochs(examples, 8, np.random.default_rng(0), visits=v).size for v in visits]
    assert lengths == [weeks, weeks, 3 * weeks, 8 * weeks]


def test_a_network_of_more_examples_than_visits_learns_from_a_sample_of_all_weeks():
    examples = sales(weeks=100, noise=0.1)
    few = replace(QUICK, epochs=20, visits=len(examples) // 4).fit(examples, seed=1)
    error = np.abs(few.logs(examples)[:, 1] - examples.log_units)
    early = examples.week < 50
    assert error[early].mean() == pytest.approx(error[~early].mean(), rel=0.25)


def test_an_epoch_has_every_series_and_week_once_at_some_horizon():
    examples = sales(horizons=(1, 2, 4))
    order = epochs(examples, 2, np.random.default_rng(0), visits=10**9)
    for epoch in order:
        met = set(zip(examples.row[epoch].tolist(), examples.week[epoch].tolist(), strict=True))
        assert len(met) == len(epoch) == len(examples) // 3
    assert set(examples.horizon[order.ravel()]) == {1, 2, 4}


def test_a_warm_start_replays_the_newest_weeks_and_some_older():
    examples = sales()
    chosen = newest_and_some(examples, 5, np.random.default_rng(0))
    weeks = examples.week[chosen]
    assert (weeks >= 55).sum() == (examples.week >= 55).sum()
    assert (weeks < 55).sum() == 3 * (weeks >= 55).sum()
    assert len(set(chosen.tolist())) == len(chosen)


def test_learning_rates_rise_and_fade_over_the_steps_that_are_run():
    rate = rates(0.01, 100)
    assert rate[0] == pytest.approx(0.001)
    assert rate.argmax() == pytest.approx(10, abs=1)
    assert rate.max() == pytest.approx(0.01)
    assert rate[99] == pytest.approx(1e-4)
