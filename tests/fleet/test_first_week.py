from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest

from fleetcast.domain.errors import DataError, PolicyRefusal, UsageError
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ORDERS, QUARANTINE, ROUNDS
from fleetcast.fleet import audit, reporting
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.status import status
from fleetcast.testing.kiosks import LAST, opened, run_week

STATUS = {
    "environment": str,
    "cycle": str,
    "release": str,
    "segments": {"ensembles", "baselines", "passed", "failed"},
    "series": {"active", "published", "coded", "missing"},
    "failover": {"champion", "last_known_good", "baseline", "carried_forward", "blocked"},
    "without_pool": int,
    "unclustered": int,
    "metrics": {"mape", "rmse0", "rmse_all", "wape", "bias", "skill"},
    "held": type(None),
    "failed_over": list,
    "stale": bool,
    "long_term": type(None),
    "drift": {"columns", "undecided", "drifted", "jumped"},
    "sources": dict,
}


def test_every_active_series_is_published_exactly_once_per_week_or_coded(finished_retailer):
    w = opened(finished_retailer)
    active = reporting.active(w, LAST)
    forecasts, ledger = w.lake.read(FORECASTS), w.lake.read(COMPLETENESS)
    wanted = active.join(
        pl.DataFrame({"week": [LAST + timedelta(weeks=h) for h in (1, 2)]}), how="cross"
    ).select("week", "store", "product")
    assert active.height > 20
    assert set(ledger.select("week", "store", "product").rows()) == set(wanted.rows())
    assert ledger.height == wanted.height
    published = ledger.filter(pl.col("state") != "blocked").select("week", "store", "product")
    assert sorted(forecasts.select("week", "store", "product").rows()) == sorted(published.rows())
    assert ledger["reason"].str.len_chars().min() > 0
    assert set(forecasts["release"]) == {w.ledger.pointer()}


def test_forecasts_say_the_same_thing_in_all_their_columns(finished_retailer):
    rows = opened(finished_retailer).lake.read(FORECASTS)
    rising = [
        pl.col(low) <= pl.col(high) for low, high in pairwise(["q0.025", "q0.1", "q0.5", "q0.9", "q0.975"])
    ]
    assert rows.select(pl.all_horizontal(rising).all()).item()
    assert rows.select(
        ((pl.col("week") - pl.col("cycle")).dt.total_days() == 7 * pl.col("horizon")).all()
    ).item()


def test_orders_are_given_for_the_coming_week_or_coded(finished_retailer):
    w = opened(finished_retailer)
    orders, forecasts = w.lake.read(ORDERS), w.lake.read(FORECASTS).filter(pl.col("horizon") == 1)
    assert sorted(orders.select("week", "store", "product").rows()) == sorted(
        forecasts.select("week", "store", "product").rows()
    )
    assert orders.filter(pl.col("order").is_null() & (pl.col("reason") == "")).is_empty()
    assert orders["order"].drop_nulls().len() > 0


def test_the_release_is_cut_promoted_and_audited_in_a_chain_that_verifies(finished_retailer):
    w = opened(finished_retailer)
    live = w.registry.releases.current()
    assert live is not None
    assert (live.manifest.kind, live.manifest.cutoff, live.manifest.parent) == ("full", LAST, None)
    assert [record.action for record in audit.log(w)] == [
        "model.register",
        "release.cut",
        "release.promote",
        "model.transition",
    ]
    assert audit.verify(w).ok
    (publication,) = w.publications.list()
    assert (publication.release, publication.audit_seq) == (live.id, w.ledger.head()[0])


def test_the_gate_judges_on_rounds_whose_actuals_are_final(finished_retailer):
    w = opened(finished_retailer)
    rounds = w.lake.read(ROUNDS)
    assert rounds["origin"].max() == LAST
    live = w.registry.releases.current()
    assert live is not None
    for segment, member in live.manifest.members.items():
        verdict = live.manifest.verdicts[segment]
        assert member.serving == ("ensemble" if verdict["passed"] else "baseline")
        judged = rounds.filter(
            pl.col("segment") == segment, pl.col("origin") <= LAST - timedelta(weeks=3 + 2)
        )
        assert verdict["metrics"]["rounds"] == judged["origin"].n_unique() == 4
        assert bool(verdict["reasons"]) != verdict["passed"]


def test_the_report_adds_up(first_week):
    report = first_week[1]
    assert (report.cycle, report.weeks) == (LAST, (LAST + timedelta(weeks=1), LAST + timedelta(weeks=2)))
    assert report.promoted
    assert report.quorum
    assert not report.resumed
    assert not report.unchanged
    assert [line.region for line in report.regions] == ["east", "west"]
    assert sum(line.series for line in report.regions) == report.series.active == 16
    assert sum(line.published for line in report.regions) == report.series.published == 16
    assert report.series.closes
    assert [verdict.segment for verdict in report.verdicts] == [
        f"{region}/large/{mover}" for region in ("east", "west") for mover in ("fast", "slow")
    ]
    assert all(verdict.passed and verdict.served_by == "champion" for verdict in report.verdicts)
    assert sum(report.failover.values()) == 16
    assert all(line.closes for line in report.sources)
    assert 0 < report.metrics["mape"] < 0.45
    assert all(path.exists() for path in report.files.values())


def test_status_has_the_keys_that_programs_rely_on(finished_retailer):
    answer = status(opened(finished_retailer))
    assert list(answer) == list(STATUS)
    for key, shape in STATUS.items():
        assert set(answer[key]) == shape if isinstance(shape, set) else isinstance(answer[key], shape)
    assert answer["cycle"] == "2026-11-09"
    assert answer["segments"]["passed"] + answer["segments"]["failed"] == answer["segments"]["ensembles"] == 8
    assert answer["segments"]["baselines"] == 4
    series = answer["series"]
    assert (
        series["active"]
        == series["published"] + series["coded"] + series["missing"]
        == sum(answer["failover"].values())
    )
    assert series["missing"] == 0
    assert answer["stale"] is False


def test_in_prod_nothing_is_released_and_a_checkout_may_not_run(chain):
    w = opened(chain, environment="prod")
    answer = status(w)
    assert (answer["environment"], answer["cycle"], answer["release"]) == ("prod", None, None)
    assert answer["segments"]["ensembles"] == answer["series"]["active"] == 0
    assert answer["metrics"]["mape"] is None
    with pytest.raises(PolicyRefusal, match="installed artifact"):
        run_cycle(w, progress=Silent(), actor="test")
    assert opened(chain, environment="prod").lake.partitions(FORECASTS) == []


@pytest.mark.parametrize(
    ("week", "says"),
    [
        (date(2026, 11, 10), "no Monday"),
        (date(2027, 1, 4), "no deliveries are known"),
        (date(2020, 1, 6), "no deliveries are known"),
        (date(2026, 11, 2), "published already"),
    ],
)
def test_a_week_that_cannot_be_run_is_refused_with_the_reason(chain, week, says):
    with pytest.raises(UsageError, match=says):
        run_week(chain, week=week)


def test_a_week_is_not_run_before_it_is_complete(fresh_chain):
    tuesday = datetime(2026, 11, 17, 9, tzinfo=UTC)
    with pytest.raises(UsageError, match="complete on 2026-11-18"):
        run_week(fresh_chain, tuesday, week=LAST)
    assert cutoff(opened(fresh_chain, tuesday), None) == LAST - timedelta(weeks=1)
    assert cutoff(opened(fresh_chain), None) == LAST


def test_without_deliveries_there_is_no_week_to_run(fresh_chain):
    with pytest.raises(DataError, match="no deliveries"):
        run_cycle(opened(fresh_chain), only="train", progress=Silent(), actor="test")


def test_what_was_set_aside_says_where_it_stood_and_why(finished_retailer):
    rows = opened(finished_retailer).lake.read(QUARANTINE)
    assert set(rows["reason"]) >= {
        "not_a_number",
        "negative_delivery",
        "unknown_store",
        "ragged",
        "unknown_product",
    }
    assert rows.filter(pl.col("line") < 1).is_empty()
    assert rows["file"].str.len_chars().min() > 0


def test_an_action_that_nobody_took_has_those_named_that_were(finished_retailer):
    w = opened(finished_retailer)
    assert [record.action for record in audit.log(w, action="release.cut")] == ["release.cut"]
    with pytest.raises(UsageError, match=r"no record of 'release\.cutt'; there are .*release\.cut"):
        audit.log(w, action="release.cutt")
