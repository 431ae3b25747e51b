from datetime import date

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.week import WEEK, weeks
from fleetcast.monitoring.divergence import divergence, psi
from fleetcast.monitoring.drift import Drift, drift
from fleetcast.monitoring.histograms import Bins, histograms
from fleetcast.monitoring.multiplicity import discoveries
from fleetcast.settings import MonitoringSettings

LAST = date(2026, 11, 16)
SETTINGS = MonitoringSettings()


def rows(
    length: int = 56, *, each: int = 75, moved: float = 0.0, wave: float = 0.0, segments: int = 8
) -> pl.DataFrame:
    """Units of so many weeks; the last four of segment s0 are `moved`, in deviations, and all follow a yearly wave."""
    random = np.random.default_rng(3)
    values = random.normal(0, 1, (segments, length, each)) + random.normal(0, 0.15, (segments, length, 1))
    values += wave * np.sin(2 * np.pi * np.arange(length) / 52)[None, :, None]
    values[0, -4:] += moved
    dates = np.array(weeks(LAST - (length - 1) * WEEK, LAST), dtype="datetime64[D]")
    return pl.DataFrame(
        {
            "subject": np.repeat([f"s{number}" for number in range(segments)], length * each),
            "week": np.tile(np.repeat(dates, each), segments),
            "units": np.round(20 * np.exp(0.5 * values.ravel())),
        }
    )


def counted(frame: pl.DataFrame) -> pl.DataFrame:
    """With bins that all subjects share."""
    bins = Bins.of(frame["units"])
    settled = {(subject, "demand.units"): bins for subject in frame["subject"].unique()}
    return histograms(frame, ["units"], of="demand", settled=settled)


def judged(frame: pl.DataFrame) -> dict[str, Drift]:
    return {one.subject: one for one in drift([counted(frame)], week=LAST, settings=SETTINGS, seed=1)}


def test_what_did_not_move_is_no_drift():
    assert {one.state for one in judged(rows()).values()} == {"none"}


def test_what_moved_is_told_for_the_segment_in_which_it_did():
    found = judged(rows(moved=0.5))
    assert [segment for segment, one in found.items() if one.state == "drift"] == ["s0"]
    assert found["s0"].psi > found["s0"].limit
    assert "more than chance makes" in found["s0"].reason


def test_fewer_sales_are_a_drift_as_well_as_more():
    assert judged(rows(moved=-0.5))["s0"].state == "drift"


def test_a_season_is_no_drift_where_earlier_years_had_it_too():
    assert judged(rows(170, wave=0.5))["s0"].state == "none"


def test_a_season_that_did_not_come_is_a_drift():
    peak = np.sin(2 * np.pi * 168 / 52) * 0.8
    assert judged(rows(170, wave=0.8, moved=-2 * peak))["s0"].state == "drift"


def test_a_column_that_went_missing_has_drifted():
    frame = rows().with_columns(
        pl.when((pl.col("subject") == "s0") & (pl.col("week") > LAST - 4 * WEEK))
        .then(None)
        .otherwise("units")
        .alias("units")
    )
    assert judged(frame)["s0"].state == "drift"


def test_a_text_drifts_when_its_categories_come_in_other_shares():
    frame = rows(moved=1.0).with_columns(
        units=pl.when(pl.col("units") > 30).then(pl.lit("many")).otherwise(pl.lit("few"))
    )
    assert judged(frame)["s0"].state == "drift"


def test_without_rows_or_history_there_is_no_decision():
    late = rows().filter((pl.col("subject") != "s0") | (pl.col("week") <= LAST - 4 * WEEK))
    assert judged(late)["s0"].reason == "no rows in the 4 weeks to 2026w47"
    young = rows(12)
    assert judged(young)["s0"].reason == "8 weeks to compare with, 16 are needed"
    assert judged(young)["s0"].state == "no decision"


def test_later_weeks_change_nothing():
    counts = counted(rows())
    week = LAST - 5 * WEEK
    known = counts.filter(pl.col("week") <= week)
    said = [drift([frame], week=week, settings=SETTINGS, seed=1) for frame in (counts, known)]
    assert said[0] == said[1]


def test_histograms_of_weeks_add_up_to_the_rows():
    frame = rows()
    counts = counted(frame)
    assert counts["rows"].sum() == frame.height
    assert counts.height == 8 * 56 * len(Bins.kept(counts))


def test_many_equal_values_are_one_bin():
    assert len(Bins.of(pl.Series("promotion", [0.0] * 95 + [1.0] * 5))) <= 4


@pytest.mark.parametrize("kind", [pl.Float64, pl.String])
def test_a_column_that_was_empty_has_bins_for_what_is_missing_and_what_is_not(kind: type[pl.DataType]):
    empty = pl.Series("x", [None, None], dtype=kind)
    later = pl.DataFrame({"x": [None, "1.5"]}, schema={"x": pl.String}).cast(kind)
    assert Bins.of(empty).bin(later["x"]).to_list() == [0, 1]


def test_texts_that_were_not_seen_have_a_bin_together():
    bins = Bins.of(pl.Series("x", ["a", "b", "a"]))
    assert bins.bin(pl.Series("x", ["a", "b", "c", "d", None])).to_list() == [1, 2, 3, 3, 0]


def test_the_index_is_nothing_where_shares_are_equal_and_grows_with_the_shift():
    assert psi(np.array([10, 10]), np.array([10, 10])) == 0
    assert psi(np.array([50, 50]), np.array([40, 60])) < psi(np.array([50, 50]), np.array([10, 90]))


@pytest.mark.parametrize("each", [12, 75, 250])
def test_a_threshold_means_the_same_at_any_number_of_rows(each: int):
    """Of healthy samples one in twenty exceeds it: at 50, 300 and 1,000 rows alike."""
    found = judged(rows(each=each, segments=40)).values()
    assert sum(one.psi > one.limit for one in found) <= 6
    assert (sum(one.psi > 0.1 for one in found) > 20) == (each == 12)  # the usual rule of thumb does not


def test_the_newest_weeks_are_one_more_draw_from_the_law_of_the_past():
    random = np.random.default_rng(1)
    p = []
    for number in range(300):
        counts = random.multinomial(75, [0.1] * 10, size=56)
        p.append(divergence(counts[-4:], counts[:-4], np.zeros(52, dtype=np.int64), seed=number).p)
    assert 0.025 <= np.mean(np.array(p) <= 0.05) <= 0.1


def test_of_many_tests_few_may_be_believed():
    assert discoveries([0.004] + [0.5] * 19, 0.1) == [False] * 20
    assert discoveries([0.001] + [0.5] * 19, 0.1) == [True] + [False] * 19
    assert discoveries([], 0.1) == []
