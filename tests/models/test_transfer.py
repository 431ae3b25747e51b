"""Transfer: the donor's word, corrected as far as a segment's own rows bear it out."""

from dataclasses import replace

import numpy as np
import pytest

from fleetcast.models import recipes
from fleetcast.models.transfer import FUNCTIONALS, Transfer
from fleetcast.models.weekly import Weekly
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import TrainingSettings

SETTINGS = TrainingSettings(net_members=0)
NOBODY = np.arange(0)


@pytest.fixture(scope="module")
def donor(market):
    return Weekly(SETTINGS).fit(market(2000), seed=1)


def mape(model, examples):
    said, sold = model.predict(examples)["mape"], examples.units
    return float((np.abs(said - sold) / np.maximum(sold, 1.0)).mean())


def doubled(examples):
    return replace(examples, units=2 * examples.units)


def test_without_examples_it_says_what_its_donor_says(market, donor):
    asked = market(50, seed=2)
    fitted = Transfer(SETTINGS).fit(asked.take(NOBODY), donor=donor, seed=1)
    for name in FUNCTIONALS:
        assert fitted.predict(asked)[name] == pytest.approx(donor.predict(asked)[name])


def test_a_segment_like_its_donor_stays_with_it(market, donor):
    fitted = Transfer(SETTINGS).fit(market(80, seed=3), donor=donor, seed=1)
    asked = market(500, seed=4)
    assert mape(fitted, asked) < mape(donor, asked) + 0.02


def test_few_rows_mend_what_is_different_here_better_than_training_from_scratch(market, donor):
    own, asked = doubled(market(30, seed=3)), doubled(market(500, seed=4))
    fitted = Transfer(SETTINGS).fit(own, donor=donor, seed=1)
    scratch = Weekly(SETTINGS).fit(own, seed=1)
    assert mape(fitted, asked) < min(mape(scratch, asked), 0.6 * mape(donor, asked))


def test_the_mean_of_what_it_says_is_the_mean_of_what_was_sold(market, donor):
    own = doubled(market(3000, seed=3))
    said = Transfer(SETTINGS).fit(own, donor=donor, seed=1).predict(own)["mean"]
    assert said.mean() == pytest.approx(own.units.mean(), rel=0.03)


def test_a_stored_one_is_whole_and_says_the_same(market, donor):
    fitted, asked = Transfer(SETTINGS).fit(market(150), donor=donor, seed=1), market(50, seed=2)
    stored = recipes.load(unpack(pack({"it": fitted.dump()}))["it"])
    assert all(
        np.array_equal(stored.predict(asked)[name], fitted.predict(asked)[name]) for name in FUNCTIONALS
    )


def test_the_order_of_the_rows_changes_no_forecast(market, donor):
    own, asked = market(150), market(50, seed=2)
    shuffled = own.take(np.random.default_rng(1).permutation(len(own)))
    one, other = (
        Transfer(SETTINGS).fit(rows, donor=donor, seed=1).predict(asked) for rows in (own, shuffled)
    )
    assert all(one[name] == pytest.approx(other[name]) for name in FUNCTIONALS)


def test_strangers_and_absurd_features_have_finite_forecasts(market, donor):
    asked = market(50, seed=2)
    strange = replace(asked, stores=tuple("WXYZ"), products=("x", "y", "z"), X=asked.X * 1e6)
    said = Transfer(SETTINGS).fit(doubled(market(150)), donor=donor, seed=1).predict(strange)
    assert all(np.isfinite(said[name]).all() and (said[name] >= 0).all() for name in FUNCTIONALS)


def test_a_segment_that_sold_nothing_is_forecast_less_than_its_donor_says(market, donor):
    own = replace(market(400), units=np.zeros(400))
    said = Transfer(SETTINGS).fit(own, donor=donor, seed=1).predict(own)
    assert all(said[name].mean() < 0.5 * donor.predict(own)[name].mean() for name in ("median", "mean"))


def test_a_donors_network_is_trained_on_and_the_donor_left_as_it_was(market):
    settings = TrainingSettings(net_members=1, net_epochs=1, net_warm_epochs=1)
    donor = Weekly(settings).fit(market(300), seed=1)
    asked = market(50, seed=2)
    before = donor.net.predict(asked)["mape"]
    one, again = (Transfer(settings).fit(doubled(market(200)), donor=donor, seed=1) for _ in range(2))
    assert not np.array_equal(one.donor.net.predict(asked)["mape"], before)
    assert np.array_equal(donor.net.predict(asked)["mape"], before)
    assert np.array_equal(one.predict(asked)["mape"], again.predict(asked)["mape"])
