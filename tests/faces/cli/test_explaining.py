from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from fleetcast.faces.cli import app as program
from fleetcast.faces.cli import waterfall
from fleetcast.fleet.explanations import Borrowed, ForecastExplained, Part, SegmentExplained
from fleetcast.models.effects import Effect
from fleetcast.models.explaining import Driver

WEEK = date(2026, 11, 16)


@pytest.fixture
def one() -> ForecastExplained:
    return ForecastExplained(
        segment="ohio/large/fast",
        store="OHV-01",
        product="00042",
        week=WEEK,
        horizon=1,
        cycle=date(2026, 11, 9),
        model="dev/ohio/large/fast/2026w46-1",
        functional="median",
        average=19.0,
        forecast=29.0,
        published=29.0,
        served_by="champion",
        drivers=(Part("promotions", 0.6931, 1.0), Part("weather", -0.2877, -0.25)),
        features=(Part("promotions.price", 0.6, 0.82),),
    )


@pytest.fixture
def whole() -> SegmentExplained:
    effect = Effect("promotions", "price −10 %", 0.23, 0.21, 0.27, 0.24, None, 120)
    return SegmentExplained(
        segment="ohio/large/fast",
        cycle=date(2026, 11, 9),
        release="ab" * 32,
        model="dev/ohio/large/fast/2026w46-1",
        functional="median",
        members=1,
        forecasts=480,
        horizon=1,
        drivers=(Driver("promotions", 0.2, 0.996), Driver("other", 0.0004, 0.004)),
        effects=(effect,),
    )


def test_a_waterfall_goes_from_the_average_to_the_forecast(one, printed):
    lines = printed(waterfall.forecast(one)).splitlines()
    units = [
        line.split()[-1]
        for line in lines
        if line.startswith(("the segment", "promotions ", "weather", "this"))
    ]
    assert units == ["19.0", "39.0", "29.0", "29.0"]


def test_less_points_left_and_more_points_right(one, printed):
    text = printed(waterfall.forecast(one))
    more, less = (
        next(line for line in text.splitlines() if name in line) for name in ("promotions ", "weather")
    )
    assert "│████████████" in more
    assert "█████│" in less


def test_a_forecast_served_by_another_source_says_so(one, printed):
    text = printed(waterfall.forecast(replace(one, published=21.0, served_by="last_known_good")))
    assert "Published: 21.0 units, by last known good, not by this model." in text


def test_a_successor_says_whose_history_it_has(one, printed):
    text = printed(waterfall.forecast(replace(one, borrowed=(Borrowed("00007", date(2026, 9, 28)),))))
    assert "History of 00007 until the week of 28 Sep 2026." in text
    assert "History" not in printed(waterfall.forecast(one))


def test_effects_read_as_sentences_of_figures(whole, printed):
    text = printed(waterfall.segment(whole))
    assert "price −10 %" in text
    assert "+23.0 %" in text
    assert "+21.0 % to +27.0 %" in text


def test_drivers_that_hardly_move_anything_are_left_out(whole, printed):
    text = printed(waterfall.segment(whole))
    assert "99.6 %" in text
    assert "other" not in text


@pytest.mark.parametrize("words", [["--store", "S1"], ["--product", "P1"], ["--week", "2026-11-16"]])
def test_half_a_forecast_is_a_usage_error(words, tmp_path):
    answer = CliRunner().invoke(
        program.app, ["explain", "ohio/large/fast", "--workspace", str(tmp_path), *words]
    )
    assert answer.exit_code == 2
    assert "store and a product" in answer.output
