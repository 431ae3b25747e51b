"""Challengers beside the champion: scored in a table of their own, held against what was published, decided on."""

import json
import shutil
from dataclasses import replace

import polars as pl
import pytest

from fleetcast.domain.errors import ConflictError, PolicyRefusal, UsageError
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ORDERS, SCORES, SHADOWS
from fleetcast.domain.week import WEEK, label
from fleetcast.fleet import audit, incidents, shadows
from fleetcast.fleet.progress import Silent
from fleetcast.metrics import measure
from fleetcast.registry.manifest import Member
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_workspace,
)

FIRST = LAST - 3 * WEEK
SCORED = FIRST + WEEK
RULES = "\n[shadow]\nminimum_weeks = 2\n"
PUBLISHED = (FORECASTS, ORDERS, COMPLETENESS, SCORES)


def challenger(w, *, average=False):
    """A release that is not live: all segments served by the same models once more, or by their average."""
    live = w.registry.releases.current()
    baseline = live.manifest.baselines["east/large"]
    averaged = Member(baseline.model, baseline.artefact, baseline.key, "baseline", passed=False)
    members = {
        segment: replace(averaged if average else member, reason="a challenger")
        for segment, member in live.manifest.members.items()
    }
    made = replace(live.manifest, parent=live.id, members=members)
    return w.registry.releases.cut(made, actor="test", segments=list(members)).id


def shadow(w, release, *, cycles=1, promotes=False):
    return shadows.start(
        w,
        release,
        cycles=cycles,
        labels="final",
        promotes=promotes,
        actor="ana",
        reason="try it",
        progress=Silent(),
    )


@pytest.fixture(scope="module")
def first_week(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shadows") / "chain"
    write_workspace(folder, kiosks(regions=("east",)), settings=SETTINGS + RULES)
    run_week(folder, week=FIRST)
    return folder


@pytest.fixture
def chain(first_week, tmp_path):
    return shutil.copytree(first_week, tmp_path / "chain")


@pytest.fixture(scope="module")
def running(first_week, tmp_path_factory):
    """After two more weeks, in the first of which two challengers were scored: one of the same models, one of averages."""
    folder = shutil.copytree(first_week, tmp_path_factory.mktemp("running") / "chain")
    w = opened(folder)
    found = {"twin": challenger(w), "average": challenger(w, average=True)}
    for release in found.values():
        shadow(w, release)
    for week in (SCORED, SCORED + WEEK):
        run_week(folder, week=week)
    return folder, found


@pytest.fixture(scope="module")
def decided(running, tmp_path_factory):
    """After a third week, in which the demand of all that they had forecast is known."""
    folder = shutil.copytree(running[0], tmp_path_factory.mktemp("decided") / "chain")
    run_week(folder, week=LAST)
    return folder, running[1]


def versions(w):
    return [w.lake.version(table) for table in (*PUBLISHED, SHADOWS)]


def leaves(w, table):
    return [leaf for leaf in w.lake.leaves(table) if leaf.week == SCORED.isoformat()]


def test_a_challenger_is_scored_as_long_as_was_asked_in_a_table_of_its_own(decided):
    folder, found = decided
    rows = opened(folder).lake.read(SHADOWS)
    assert set(rows.select("release", "cycle").unique().rows()) == {(one, SCORED) for one in found.values()}
    served = dict(rows.select("release", "failover").unique().rows())
    assert served == {found["twin"]: "champion", found["average"]: "baseline"}


def test_nothing_of_a_shadow_is_published(decided, chain):
    folder, found = decided
    w = opened(folder)
    for table in (FORECASTS, SCORES):
        assert not set(w.lake.read(table)["release"]) & set(found.values())
    assert not {publication.release for publication in w.publications.list()} & set(found.values())
    run_week(chain, week=SCORED)  # the same week without any shadow
    for table in (FORECASTS, ORDERS, COMPLETENESS):
        assert leaves(opened(chain), table) == leaves(w, table)


def test_the_comparison_is_of_the_very_rows_that_were_published_and_with_their_own_errors(decided):
    folder, found = decided
    w = opened(folder)
    evidence = shadows.show(w, found["twin"]).evidence
    published = w.lake.read(FORECASTS, where=pl.col("cycle") == SCORED)
    assert evidence.against == dict(published["release"].value_counts().rows())
    assert (evidence.labels.published, evidence.labels.final) == (published.height, published.height)
    scores = measure(w.lake.read(SCORES, where=pl.col("cycle") == SCORED)).row(0, named=True)
    line = evidence.found.total
    assert (line.n, line.weeks) == (scores["n"], 2)
    for name in ("mape", "wape", "bias"):
        assert getattr(line, name).champion == pytest.approx(scores[name])


def test_it_is_held_against_what_was_published_whatever_became_champion_since(decided):
    folder, found = decided
    w = opened(folder)
    by_cycle = {publication.cycle: publication.release for publication in w.publications.list()}
    assert len(set(by_cycle.values())) == 4  # each week promoted a release of its own
    assert list(shadows.show(w, found["twin"]).evidence.against) == [by_cycle[label(SCORED)]]


def test_the_decision_is_an_audit_event_with_the_digest_of_its_evidence(decided):
    folder, found = decided
    w = opened(folder)
    answers = {name: shadows.show(w, release) for name, release in found.items()}
    assert {name: view.shadow.decision for name, view in answers.items()} == {
        "twin": "promote",
        "average": "keep",
    }
    records = {record.subject: record for record in audit.log(w, action="shadow.decide")}
    for name, release in found.items():
        told = json.loads(records[release].after)
        assert told == {
            "decision": answers[name].shadow.decision,
            "evidence": answers[name].shadow.evidence,
        }
        assert json.loads(w.bank.get(told["evidence"])) == json.loads(
            json.dumps(answers[name].evidence.written())
        )
        assert records[release].reason == answers[name].evidence.decision.text
    assert audit.verify(w).ok
    with w.ledger.view() as view:
        told = sorted(notice.message.title for notice in view.notices() if "Shadow" in notice.message.title)
    assert told == sorted(
        f"Shadow {release[:12]}: {answers[name].shadow.decision}" for name, release in found.items()
    )
    assert w.ledger.pointer() not in found.values()  # nobody asked for more than an answer


def test_before_its_last_week_is_known_a_shadow_says_how_it_stands_and_when_it_is_decided_on(running):
    folder, found = running
    view = shadows.show(opened(folder), found["average"])
    assert (view.shadow.state, view.cycles, view.due) == ("running", (SCORED,), LAST)
    assert (view.evidence.labels.coverage, view.evidence.decision.answer) == (0.5, "inconclusive")
    assert [line.shadow.release for line in shadows.listed(opened(folder))] == [
        found["average"],
        found["twin"],
    ]


def test_doing_the_week_of_a_decision_twice_changes_nothing(decided):
    folder, _ = decided
    w = opened(folder)
    before = versions(w), w.ledger.head(), w.publications.list()
    assert run_week(folder, week=LAST).unchanged
    assert (versions(w), w.ledger.head(), w.publications.list()) == before


def test_a_person_ends_a_shadow_with_a_reason_and_what_is_known_is_judged(running, tmp_path):
    folder = shutil.copytree(running[0], tmp_path / "chain")
    w, release = opened(folder), running[1]["twin"]
    with pytest.raises(UsageError, match="needs a reason"):
        shadows.stop(w, release, actor="ana", reason=" ")
    ended = shadows.stop(w, release, actor="ana", reason="the autumn range came early").shadow
    assert (ended.state, ended.decision) == ("stopped", "inconclusive")
    (record,) = audit.log(w, action="shadow.stop")
    assert (record.actor, record.policy) == ("ana", "")
    assert record.reason.startswith("the autumn range came early; inconclusive: 1 weeks of known demand < 2")
    with pytest.raises(UsageError, match="has ended already"):
        shadows.stop(w, release, actor="ana", reason="again")


def test_a_challenger_that_cannot_be_used_costs_the_week_nothing_and_is_an_incident(chain):
    w = opened(chain)
    twin, average = challenger(w), challenger(w, average=True)
    for release in (twin, average):
        shadow(w, release)
    damage_artefact(w, w.registry.releases.current().manifest.members["east/large/fast"].artefact)
    report = run_week(chain, week=SCORED)
    assert report.series.published == report.series.active
    w = opened(chain)
    assert w.ledger.cycles()[-1].state == "done"
    (told,) = [one for one in incidents.every(w) if one.kind == "shadow"]
    assert f"shadow {twin[:12]}" in told.cause
    assert "is not what was stored" in told.cause or "damaged" in told.cause
    assert set(w.lake.read(SHADOWS)["release"]) == {average}  # the other one is none the worse for it


def test_a_shadow_becomes_live_by_itself_where_that_was_asked_for(chain):
    twin = challenger(opened(chain))
    shadow(opened(chain), twin, promotes=True)
    for week in (SCORED, LAST):
        run_week(chain, week=week)
    w = opened(chain)
    assert w.ledger.pointer() == twin
    assert audit.log(w, action="release.promote")[-1].reason.startswith("as a shadow of 1 cycle")
    assert shadows.show(w, twin).shadow.decision == "promote"


def test_a_shadow_that_a_person_promotes_meanwhile_ends_without_an_answer(chain):
    w = opened(chain)
    twin = challenger(w)
    shadow(w, twin, cycles=4)
    w.registry.releases.promote(twin, actor="ana", reason="now", expected=w.ledger.pointer())
    run_week(chain, week=FIRST)
    view = shadows.show(w, twin)
    assert (view.shadow.state, view.shadow.decision, view.cycles) == ("stopped", None, ())


def test_what_makes_no_challenger_is_refused(chain):
    w = opened(chain)
    with pytest.raises(UsageError, match="is live: there is nothing to hold it against"):
        shadow(w, w.ledger.pointer())
    twin = challenger(w)
    with pytest.raises(UsageError, match="was never a shadow"):
        shadows.show(w, twin)
    shadow(w, twin)
    with pytest.raises(ConflictError, match="is a shadow already"):
        shadow(w, twin)
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("lags = [0, 1]", "lags = [0]"), "utf-8")
    with pytest.raises(UsageError, match=r"cannot be scored in dev any more: the examples lack 2 feature"):
        shadow(opened(chain), challenger(w))


def test_in_prod_nothing_becomes_live_by_itself(chain):
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[environments.prod]\ncheckout = true\n", "utf-8")
    w = opened(chain, environment="prod")
    with pytest.raises(PolicyRefusal, match="nothing becomes live in prod by itself"):
        shadow(w, "abc", promotes=True)
    assert audit.log(w)[-1].action == "refused.shadow_promotion"
