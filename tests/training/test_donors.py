"""What a donor lends at an origin: never anything that knew more."""

from datetime import date

import numpy as np
import pytest

from fleetcast.rounds.subject import Subject, TooLittleError
from fleetcast.settings import Settings
from fleetcast.testing.recipes import examples
from fleetcast.training.donors import Lent
from fleetcast.training.pooling import Pools
from fleetcast.training.task import Donor

EARLY, LATE = date(2026, 9, 7), date(2026, 11, 9)
VERSION = Donor("dev/east/fast/2026w46-1", "east/fast", "east", LATE, "0" * 64, "east/fast")
SUBJECT = Subject(
    "west/fast", "west/fast", Settings(schema=1, workspace={"name": "shop", "package": "shop"}), fewest=0
)


class Says:
    """A donor that forecasts one number."""

    def __init__(self, units: float) -> None:
        self.units = units

    def predict(self, examples):
        return dict.fromkeys(("mape", "median", "mean"), np.full(len(examples), self.units))


def lent_at(origin, models):
    """What is forecast at an origin by a segment that has no rows of its own."""
    fit = Lent(VERSION, Pools(models)).refining(SUBJECT)
    asked = examples()
    nothing = asked.take(np.arange(0))
    return fit(nothing, origin=origin, warm=None, tuning=None).predict(asked)["mape"]


def test_a_round_starts_from_the_donor_as_it_was_there_and_not_from_the_registered_one():
    models = {EARLY: Says(3.0), LATE: Says(9.0)}
    assert lent_at(EARLY, models) == pytest.approx(3.0)
    assert lent_at(LATE, models) == pytest.approx(9.0)


def test_there_is_no_round_where_every_donor_knows_more():
    with pytest.raises(TooLittleError, match="east/fast was too young to lend anything on 2026-09-07"):
        lent_at(EARLY, {LATE: Says(9.0)})
