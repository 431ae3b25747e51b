from datetime import timedelta

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import FORECASTS, ORDERS
from fleetcast.fleet import releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import WEDNESDAY, opened, run_week


def everything(folder):
    """All that a run could change, as values: tables, releases, models, audit, publications, artefacts."""
    w = opened(folder)
    return {
        "tables": {name: w.lake.version(table) for name, table in w.tables.items()},
        "live": w.ledger.pointer(),
        "releases": [release.id for release in w.registry.releases.list()],
        "models": [(version.name, version.state) for version in w.registry.models.list()],
        "audit": w.ledger.head(),
        "publications": w.publications.list(),
        "artefacts": sorted(path.name for path in (w.state / "bank").rglob("*") if path.is_file()),
        "commits": sorted(path.name for path in (w.state / "lake").rglob("*.json")),
    }


def test_the_same_week_twice_changes_nothing_and_says_so(chain):
    before = everything(chain)
    report = run_week(chain, WEDNESDAY + timedelta(days=3))
    assert everything(chain) == before
    assert report.unchanged
    assert not report.resumed
    assert report.promoted


def test_the_retailer_s_week_twice_changes_nothing(retailer):
    before = everything(retailer)
    assert run_week(retailer).unchanged
    assert everything(retailer) == before


def test_a_file_that_tells_the_same_again_changes_nothing(chain):
    before = everything(chain)
    first = chain / "data" / "deliveries" / "first.csv"
    (chain / "data" / "deliveries" / "second.csv").write_bytes(first.read_bytes())
    report = run_week(chain, WEDNESDAY + timedelta(days=1))
    (line,) = (line for line in report.sources if line.source == "deliveries")
    assert (line.files, line.duplicates, line.accepted * 2) == (2, 960, line.rows)
    now = everything(chain)
    assert now["tables"] == before["tables"]
    assert (now["live"], now["models"], now["publications"]) == (
        before["live"],
        before["models"],
        before["publications"],
    )


def test_a_changed_gate_judges_anew_and_trains_nothing(chain):
    before = everything(chain)
    trained = {v.name: v.trained_at for v in opened(chain).registry.models.list()}
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text().replace("[execution]", "[gate]\nmape = 0.001\n\n[execution]"))
    report = run_week(chain, WEDNESDAY + timedelta(days=2))
    assert not any(verdict.passed for verdict in report.verdicts)
    assert all("MAPE" in verdict.reason for verdict in report.verdicts)
    assert {verdict.served_by for verdict in report.verdicts} == {"champion"}  # each keeps the one it had
    now = everything(chain)
    packs = {version.artefact for version in opened(chain).registry.models.list()}
    assert len(packs) == 4  # models and baselines of two regions, as before
    assert now["tables"]["rounds"] == before["tables"]["rounds"]
    assert {v.trained_at for v in opened(chain).registry.models.list()} == set(trained.values())


def test_a_long_lived_process_sees_settings_that_changed_and_scores_anew(chain):
    assert opened(chain).lake.read(ORDERS).height == 16
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text() + "\n[orders]\nenabled = false\n")
    before = everything(chain)
    run_cycle(opened(chain), only="score", progress=Silent(), actor="test")
    assert opened(chain).lake.read(ORDERS).is_empty()
    assert everything(chain)["tables"]["forecasts"] == before["tables"]["forecasts"]


def test_after_a_rollback_the_week_is_scored_with_the_earlier_models_and_stays_rolled_back(chain):
    w = opened(chain)
    first = w.ledger.pointer()
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text().replace("net_members = 0", "net_members = 0\nwindow_weeks = 52"))
    early = everything(chain)["tables"]["forecasts"]
    run_week(chain)
    second = opened(chain).ledger.pointer()
    assert second != first  # training settings count as code
    assert len(opened(chain).registry.models.list()) == 2 * 6
    assert {change.segment for change in opened(chain).registry.releases.diff(first, second)} == {
        f"{region}/large/{mover}" for region in ("east", "west") for mover in ("fast", "slow")
    }

    releases.rollback(opened(chain), None, actor="test", reason="the new ones look odd")
    report = run_week(chain)

    assert opened(chain).ledger.pointer() == first
    assert report.release == first
    rows = opened(chain).lake.read(FORECASTS)
    assert set(rows["release"]) == {first}
    assert everything(chain)["tables"]["forecasts"] == early
    assert run_week(chain).unchanged


def test_stages_can_be_done_one_by_one(fresh_chain, chain):
    w = opened(fresh_chain)
    for only in ("condition", "train"):
        run_cycle(w, only=only, progress=Silent(), actor="test")
    assert w.ledger.pointer() is None  # trained, judged and cut, and waiting for promotion
    (line,) = releases.listed(w)
    releases.promote(w, line.release, actor="test", reason="looks good")
    for only in ("score", "monitor"):
        run_cycle(w, only=only, progress=Silent(), actor="test")
    alike = everything(chain)
    assert everything(fresh_chain)["tables"] == alike["tables"]
    assert everything(fresh_chain)["live"] == alike["live"]


@pytest.mark.parametrize("only", ["train", "score", "monitor"])
def test_a_stage_alone_finds_all_done_after_a_whole_run(chain, only):
    before = everything(chain)
    run_cycle(opened(chain), only=only, progress=Silent(), actor="test")
    assert everything(chain) == before


@pytest.mark.parametrize(("name", "told"), [("zzz", "no release of dev begins with 'zzz'"), ("", "with ''")])
def test_a_release_is_named_by_some_of_its_id(first_week, name, told):
    folder, _ = first_week
    with pytest.raises(UsageError, match=told):
        releases.named(opened(folder), name)
