import json
import time
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.gate import Verdict, judge, percent, quorum
from fleetcast.settings import GateSettings

FIRST = date(2026, 8, 31)


def rounds(
    ratio: float | list[float] = 1.0,
    *,
    origins: int = 8,
    units: float = 10.0,
    baseline: float = 20.0,
    series: int = 2,
    noise: float = 0.0,
) -> pl.DataFrame:
    """Rolling-origin rows whose forecasts are `ratio` times the units (one ratio for all, or one per origin)."""
    ratios = ratio if isinstance(ratio, list) else [ratio] * origins
    rng = np.random.default_rng(7)
    data = []
    for i in range(origins):
        for horizon in (1, 2, 3, 4):
            for number in range(series):
                origin = FIRST + timedelta(weeks=i)
                hat = units * ratios[i] * (1 + noise * rng.standard_normal())
                row = (origin, origin + timedelta(weeks=horizon), horizon, f"{number:04d}", "cola", units)
                data.append((*row, hat, hat, hat, baseline, baseline))
    return pl.DataFrame(
        data,
        schema=[
            *("origin", "week", "horizon", "store", "product", "units"),
            *("mape", "median", "mean", "baseline_mean", "baseline_median"),
        ],
        orient="row",
    )


def verdict(rows: pl.DataFrame, champion: pl.DataFrame | None = None, **settings: object) -> Verdict:
    return judge(rows, champion, settings=GateSettings(**settings), mover="fast", seed=1)


def check(found: Verdict, name: str):
    return next(check for check in found.checks if check.name == name)


def test_a_good_challenger_passes_without_a_reason():
    found = verdict(rounds(1.1))
    assert found.passed
    assert found.reasons == ()
    assert [c.text for c in found.checks] == [
        "8 rounds ≥ 4",
        "MAPE 10.0 % ≤ 45 %",
        "skill 90.0 % ≥ 0 %",
        "bias +10.0 % within ±15 %",
    ]


def test_a_failing_mape_is_said_in_words_with_its_limit():
    found = verdict(rounds(0.477), bias=1)
    assert not found.passed
    assert found.reasons == ("MAPE 52.3 % > 45 %",)
    assert (check(found, "mape").value, check(found, "mape").limit) == (pytest.approx(0.523), 0.45)


def test_a_number_is_never_rounded_across_its_gate():
    assert verdict(rounds(0.548), bias=1).reasons == ("MAPE 45.2 % > 45 %",)
    assert verdict(rounds(0.54996), bias=1).reasons == ("MAPE 45.004 % > 45 %",)


def test_a_limit_of_the_mover_class_stands_beside_the_target():
    rows = rounds(0.52)
    slow = judge(rows, None, settings=GateSettings(mape_by={"slow": 0.5}, bias=1), mover="slow", seed=1)
    assert slow.passed
    assert check(slow, "mape").text == "MAPE 48.0 % ≤ 50 % (target 45 %)"


def test_a_challenger_worse_than_the_historical_average_fails():
    found = verdict(rounds(1.3, baseline=11.0), bias=1)
    assert found.reasons == ("skill −200.0 % < 0 %: worse than the historical average",)


def test_as_good_as_the_baseline_is_good_enough():
    assert verdict(rounds(1.1, baseline=11.0)).passed


def test_a_bias_fails_on_either_side():
    assert verdict(rounds(0.8)).reasons == ("bias −20.0 % outside ±15 %",)
    assert verdict(rounds(1.2)).reasons == ("bias +20.0 % outside ±15 %",)


def test_fewer_than_four_rounds_fail_however_good():
    assert verdict(rounds(1.0, origins=3)).reasons == ("3 rounds < 4",)
    assert verdict(rounds(1.0, origins=4)).passed


def test_a_segment_of_zeros_has_null_metrics_and_fails():
    found = verdict(rounds(1.0, units=0.0))
    assert not found.passed
    assert found.metrics["mape"] is None
    assert found.reasons == (
        "MAPE has no value: no scored row sold anything",
        "skill has no value: nothing to compare with the baseline",
        "bias has no value: the scored rows sold nothing in all",
    )


def test_no_rows_at_all_fail():
    found = verdict(rounds().clear(), rounds().clear())
    assert not found.passed
    assert found.reasons[0] == "0 rounds < 4"


def test_a_forecast_that_is_not_a_number_fails():
    broken = rounds().with_columns(
        mape=pl.when(pl.col("store") == "0001").then(float("nan")).otherwise("mape")
    )
    assert "MAPE has no value" in verdict(broken).reasons[0]
    assert not verdict(rounds(), broken).passed


def test_sold_out_and_unknown_weeks_are_not_judged():
    bad = rounds(9.0).with_columns(censored=pl.col("store") == "0000", store=pl.col("store") + "x")
    good = rounds(1.0).with_columns(censored=pl.lit(value=False))
    found = verdict(
        pl.concat([good, bad.filter("censored"), good.with_columns(units=pl.lit(None), mape=99.0)])
    )
    assert found.passed
    assert found.metrics["n"] == good.height


def test_a_challenger_as_good_as_the_champion_is_not_inferior():
    found = verdict(rounds(1.1, noise=0.1), rounds(1.1, noise=0.1))
    assert found.passed
    assert check(found, "champion").value == 0


def test_a_challenger_clearly_worse_than_the_champion_is_refused_in_words():
    found = verdict(rounds(1.13), rounds(1.10))
    assert found.reasons == ("MAPE against the champion: at most +3.0 points (90 % bound) > 1",)


def test_a_challenger_within_the_margin_may_replace_the_champion():
    assert verdict(rounds(1.105), rounds(1.10)).passed


def test_one_lucky_week_does_not_make_a_challenger_safe():
    uneven = [1.10] * 7 + [1.25]
    found = verdict(rounds(uneven), rounds(1.12))
    assert check(found, "champion").value > 0  # better on average, but it hangs on a few weeks
    assert not check(found, "champion").passed


def test_a_champion_without_a_row_in_common_cannot_be_compared():
    other = rounds().with_columns(store=pl.lit("9999"))
    assert verdict(rounds(), other).reasons == ("cannot be compared with the champion: no row in common",)


def test_the_same_seed_gives_the_same_verdict_and_another_nearly_the_same():
    rows, champion = rounds(1.1, noise=0.2), rounds(1.1, noise=0.3)
    one, same = (judge(rows, champion, settings=GateSettings(), mover=None, seed=5) for _ in range(2))
    other = judge(rows, champion, settings=GateSettings(), mover=None, seed=6)
    assert one == same
    assert check(other, "champion").value == pytest.approx(check(one, "champion").value, abs=0.005)


def test_the_order_of_rows_does_not_matter():
    rows, champion = rounds(1.1, noise=0.2), rounds(1.1, noise=0.3)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    assert check(verdict(shuffled, champion), "champion").value == pytest.approx(
        check(verdict(rows, champion), "champion").value
    )


def test_improvement_over_each_historical_average_comes_with_an_interval():
    rows = rounds(1.1, noise=0.1).with_columns(baseline_median=pl.lit(15.0))
    mean, median = verdict(rows).improvements
    assert (mean.baseline, median.baseline) == ("historical mean", "historical median")
    assert (mean.mape, median.mape) == pytest.approx((1.0, 0.5))
    for found in (mean, median):
        assert found.low < found.value < found.high
    assert mean.value > median.value


def test_an_improvement_nobody_can_say_is_null():
    perfect = rounds(1.0).with_columns(
        baseline_mean=pl.col("units"), baseline_median=pl.lit(None, pl.Float64)
    )
    assert [i.value for i in verdict(perfect).improvements] == [None, None]


def test_a_verdict_can_be_stored_as_json():
    found = verdict(rounds(1.0, units=0.0), rounds())
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["passed"] is False


def test_a_fleet_of_56_is_judged_in_two_cpu_seconds():
    rows = rounds(1.1, series=125, noise=0.2)  # 4,000 rows
    times = []
    for _ in range(5):
        start = time.process_time()
        verdict(rows, rows)
        times.append(time.process_time() - start)
    assert 56 * min(times) < 2


@given(st.floats(0.0, 2.0, allow_nan=False), st.sampled_from([0.45, 0.5, 0.0, 0.15, 0.4567]))
def test_a_printed_percentage_stands_on_the_side_of_the_limit_its_value_does(value: float, limit: float):
    shown = float(percent(value, beside=limit).removesuffix(" %"))
    assert (shown > float(percent(limit).removesuffix(" %"))) == (value > limit)


def test_the_quorum_counts_segments_that_pass_or_keep_their_model():
    found = quorum(["passed"] * 8 + ["kept"] + ["baseline"], first=False, settings=GateSettings())
    assert (found.met, found.counted, found.of) == (True, 9, 10)
    assert found.text == "9 of 10 segments (90 %) can be served ≥ 90 %"


def test_the_quorum_of_a_first_release_counts_baselines_too():
    standings = ["passed"] * 5 + ["baseline"] * 5
    assert quorum(standings, first=True, settings=GateSettings()).met
    assert not quorum(standings, first=False, settings=GateSettings()).met


def test_a_missed_quorum_says_so_without_rounding_up():
    standings = ["passed"] * 899 + ["nothing"] * 101
    assert quorum(standings, first=True, settings=GateSettings()).text == (
        "899 of 1000 segments (89.9 %) can be served < 90 %"
    )


def test_an_empty_fleet_meets_no_quorum():
    assert not quorum([], first=True, settings=GateSettings()).met
