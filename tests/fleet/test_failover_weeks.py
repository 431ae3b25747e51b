"""What becomes of a champion that failed, week after week: bits of what the bank holds are flipped, and mended again."""

import shutil

import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import Signal
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import holding, incidents, reporting
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.scorer import Scorer
from fleetcast.fleet.status import status
from fleetcast.fleet.what_if import Question
from fleetcast.lake import Lake
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_workspace,
)

SELDOM = SETTINGS.replace("[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")
EAST = "east/large/fast"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two regions, trained four weeks before the last one, whose champions then serve for thirty."""
    folder = write_workspace(tmp_path_factory.mktemp("weeks") / "chain", kiosks(stores=1), settings=SELDOM)
    run_week(folder, week=LAST - 4 * WEEK)
    return folder


@pytest.fixture
def chain(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "chain")


def score(folder, week):
    """Score a week, which is conditioned first where it was not."""
    if reporting.snapshot(opened(folder), week) is None:
        run_cycle(opened(folder), week=week, only="condition", progress=Silent(), actor="test")
    return run_cycle(opened(folder), week=week, only="score", progress=Silent(), actor="test")


def served(folder, week, region="east"):
    """Where a region's rows of a week came from, and why."""
    rows = opened(folder).lake.read(COMPLETENESS, week=week, where=pl.col("store").str.starts_with(region))
    return sorted(rows["state", "reason"].unique().rows())


def flip_champions(w, region="east"):
    """One bit of each of a region's champions; a second time mends them."""
    members = w.registry.releases.current().manifest.members
    for digest in {member.artefact for name, member in members.items() if name.startswith(region)}:
        damage_artefact(w, digest)


def test_a_champion_that_failed_comes_back_after_two_good_weeks_and_a_week_done_twice_is_as_done_once(chain):
    flip_champions(opened(chain))
    score(chain, LAST - 3 * WEEK)
    assert served(chain, LAST - 3 * WEEK) == [("baseline", "not_loadable")]
    flip_champions(opened(chain))
    for _ in range(2):
        report = score(chain, LAST - 2 * WEEK)
        assert served(chain, LAST - 2 * WEEK) == [("baseline", "on_probation")]
    told = {one.segment: (one.state, one.since, one.good, one.served_by) for one in report.failed_over}
    assert told[EAST] == ("on_probation", LAST - 3 * WEEK, 1, "baseline")
    assert [one.segment for one in status(opened(chain))["failed_over"]] == [EAST, "east/large/slow"]
    published = forecasts(chain, LAST - 2 * WEEK).filter(segment=EAST, horizon=1).row(0, named=True)
    asked = Scorer(opened(chain)).ask(Question((published["store"],), (published["product"],)))
    assert (asked.rows[0].state, asked.rows[0].forecast.median) == ("baseline", published["median"])
    score(chain, LAST - WEEK)
    assert served(chain, LAST - WEEK) == [("champion", "ok")]
    assert status(opened(chain))["failed_over"] == []
    assert served(chain, LAST - 2 * WEEK, "west") == [("champion", "ok")]


def test_a_champion_that_is_trained_anew_serves_at_once(chain):
    flip_champions(opened(chain))
    score(chain, LAST - 3 * WEEK)
    run_week(chain, week=LAST - 2 * WEEK)  # what is damaged is missing, so it is trained
    assert served(chain, LAST - 2 * WEEK) == [("champion", "ok")]


def test_a_champion_on_probation_serves_where_neither_an_earlier_model_nor_a_baseline_can(chain):
    flip_champions(opened(chain))
    score(chain, LAST - 3 * WEEK)
    flip_champions(opened(chain))
    w = opened(chain)
    baselines = w.registry.releases.current().manifest.baselines
    damage_artefact(w, baselines["east/large"].artefact)
    score(chain, LAST - 2 * WEEK)
    assert served(chain, LAST - 2 * WEEK) == [("champion", "on_probation")]


HELD = LAST - 3 * WEEK  # a week in which no champion can be read


@pytest.fixture(scope="module")
def broken(finished, tmp_path_factory):
    """The fleet before that week is scored."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("broken") / "chain")
    for region in ("east", "west"):
        flip_champions(opened(folder), region)
    run_cycle(opened(folder), week=HELD, only="condition", progress=Silent(), actor="test")
    return folder


@pytest.fixture(scope="module")
def finished_held(broken, tmp_path_factory):
    folder = shutil.copytree(broken, tmp_path_factory.mktemp("held") / "chain")
    return folder, score(folder, HELD)


@pytest.fixture
def held(finished_held, tmp_path):
    """After it."""
    return shutil.copytree(finished_held[0], tmp_path / "held")


def forecasts(folder, week):
    return opened(folder).lake.read(FORECASTS, week=week)


def test_when_all_would_fail_over_at_once_last_weeks_forecasts_stay_and_one_incident_says_so(
    held, finished_held
):
    report = finished_held[1]
    assert report.held is not None
    assert report.held.reason.startswith(
        "4 of 4 short-term champions would fail over at once (4 not_loadable)"
    )
    assert served(held, HELD) == served(held, HELD, "west") == [("carried_forward", "held")]
    both = forecasts(held, HELD).join(
        forecasts(held, HELD - WEEK), on=["week", "store", "product"], suffix=" then"
    )
    assert both.height == 8
    assert both["median"].equals(both["median then"])
    assert report.series.published == report.series.active == 8
    run_cycle(opened(held), week=HELD, only="monitor", progress=Silent(), actor="test")
    with opened(held).ledger.view() as view:
        assert [(one.kind, one.subject) for one in view.incidents(standing=True)] == [("hold", "fleet")]
    assert status(opened(held))["held"] == report.held
    assert opened(held).publications.list()[-1].cycle == "2026w43"


def test_a_week_that_was_published_before_keeps_its_own_forecasts_when_it_is_held(chain):
    week = LAST - 4 * WEEK
    published = forecasts(chain, week)
    for region in ("east", "west"):
        flip_champions(opened(chain), region)
    settings = chain / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("[execution]", "[failover]\ngood_cycles = 1\n\n[execution]")
    settings.write_text(text, "utf-8")  # so that it is scored again
    for _ in range(2):
        assert score(chain, week).held is not None
        kept = forecasts(chain, week)
        assert kept.drop("failover").equals(published.drop("failover"))
        assert served(chain, week) == [("carried_forward", "held")]


def test_a_hold_that_people_lift_is_failed_over_and_is_no_news_the_week_after(held):
    holding.lift(opened(held), actor="ada", reason="the disk is broken, and baselines will do")
    assert score(held, HELD).held is None
    assert served(held, HELD) == [("baseline", "not_loadable")]
    assert score(held, HELD + WEEK).held is None
    assert served(held, HELD + WEEK) == [("baseline", "not_loadable")]


def test_a_week_after_a_hold_is_decided_by_what_it_finds_itself(held):
    for region in ("east", "west"):
        flip_champions(opened(held), region)
    assert score(held, HELD + WEEK).held is None
    assert served(held, HELD + WEEK) == [("champion", "ok")]  # a week that was held has found nothing


def test_a_hold_ends_when_the_week_is_done_again_with_its_cause_mended(held):
    settings = held / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("[execution]", "[failover]\nhold_share = 1\n\n[execution]")
    settings.write_text(text, "utf-8")
    assert score(held, HELD).held is None
    with opened(held).ledger.view() as view:
        told = [event.action for event in view.audit(actions=("hold.begin", "hold.end"))]
    assert told == ["hold.begin", "hold.end"]


def test_nothing_is_lifted_where_nothing_is_held(chain):
    with pytest.raises(UsageError, match="nothing is held in dev"):
        holding.lift(opened(chain), actor="ada", reason="to be sure")


def test_while_a_week_is_held_its_new_models_wait_for_people(held):
    live = opened(held).ledger.pointer()
    report = run_week(held, week=HELD)  # what cannot be read is trained anew
    assert report.held is not None
    assert not report.promoted
    assert opened(held).ledger.pointer() == live
    holding.lift(opened(held), actor="ada", reason="trained anew")
    assert run_week(held, week=HELD).promoted
    assert served(held, HELD) == served(held, HELD, "west") == [("champion", "ok")]


class Cut(BaseException):
    """The power is gone."""


def test_a_hold_that_is_cut_off_at_its_writes_is_done_again_to_the_same_end(
    broken, held, monkeypatch, tmp_path
):
    folder = shutil.copytree(broken, tmp_path / "chain")
    write, left = Lake.write, [0]

    def cut_off(self, *args, **options):
        left[0] -= 1
        if left[0] == 0:
            raise Cut
        return write(self, *args, **options)

    monkeypatch.setattr(Lake, "write", cut_off)
    for number in (8, 1, 4):  # the first six are the scoring's own, and done once
        left[0] = number
        with pytest.raises(Cut):
            score(folder, HELD)
        assert holding.of(opened(folder), "2026w43") is not None
    score(folder, HELD)
    for table in (FORECASTS, COMPLETENESS):
        assert opened(folder).lake.version(table) == opened(held).lake.version(table)
    with opened(folder).ledger.view() as view:
        assert len(view.audit(action="hold.begin")) == 1
    assert [one.cycle for one in opened(folder).publications.list()] == ["2026w42", "2026w43"]


def test_a_champion_in_alarm_gives_way_where_policy_says_so(chain):
    alarm = Signal("degraded", EAST, LAST - 4 * WEEK, "its errors have grown", severity="alarm")
    incidents.tell(opened(chain), alarm, actor="test")
    score(chain, LAST - 3 * WEEK)
    assert served(chain, LAST - 3 * WEEK) == [("champion", "ok")]
    settings = chain / "fleetcast.toml"
    settings.write_text(
        settings.read_text("utf-8").replace("[execution]", "[failover]\non_alarm = true\n\n[execution]"),
        "utf-8",
    )
    score(chain, LAST - 3 * WEEK)
    assert served(chain, LAST - 3 * WEEK) == [("baseline", "in_alarm"), ("champion", "ok")]
