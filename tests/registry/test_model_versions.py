"""Model versions: named once, kept for good, moved by the rules."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.registry.models import Challenger

FAST, SLOW = "north/large/fast", "north/large/slow"


def test_versions_count_up_per_segment_and_week(fleet):
    names = [
        version.name for segments in ([FAST], [FAST, SLOW], [FAST]) for version in fleet.train(*segments)
    ]
    assert names == [
        "dev/north/large/fast/2026w47-1",
        "dev/north/large/fast/2026w47-2",
        "dev/north/large/slow/2026w47-1",
        "dev/north/large/fast/2026w47-3",
    ]
    fleet.cutoff = date(2026, 12, 28)
    assert fleet.train(FAST)[0].name == "dev/north/large/fast/2026w53-1"


def test_a_version_reads_back_as_it_was_registered(fleet, registry):
    (version,) = fleet.train(FAST)
    assert registry.models.get(version.name) == version
    assert (version.state, version.kind, version.trained_at) == (
        "registered",
        "ensemble",
        fleet.now.replace(minute=0),
    )


def test_refused_models_are_kept(fleet, registry):
    (refused,) = fleet.train(FAST, passed=False)
    (good,) = fleet.train(FAST)
    assert [version.name for version in registry.models.list(state="refused")] == [refused.name]
    assert registry.models.list(segment=FAST) == [refused, good]


def test_registering_again_after_a_kill_names_nothing_twice(fleet, registry):
    (version,) = fleet.train(FAST)
    again = Challenger(
        segment=FAST,
        kind="ensemble",
        artefact=version.artefact,
        key=version.key,
        lineage=version.lineage,
        verdict=version.verdict,
        trained_at=version.trained_at.replace(hour=23),
        updated_at=version.updated_at.replace(hour=23),
    )
    before = registry.ledger.head()
    assert registry.models.register([again], cutoff=fleet.cutoff, actor="train") == [version]
    assert registry.ledger.head() == before
    other = replace(again, verdict={"mape": 0.4})
    assert registry.models.register([other], cutoff=fleet.cutoff, actor="train")[0].name.endswith("-2")


def test_a_model_whose_artefact_is_not_in_the_bank_is_not_registered(fleet, registry):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    lost = Challenger(FAST, "ensemble", "0" * 64, FAST, {}, {}, now, now)
    with pytest.raises(UsageError, match="not in the bank"):
        registry.models.register([lost], cutoff=fleet.cutoff, actor="train")


def test_a_whole_fleet_registers_in_one_go(fleet, registry):
    segments = [
        f"region-{n}/{size}/{mover}"
        for n in range(14)
        for size in ("large", "small")
        for mover in ("fast", "slow")
    ]
    baselines = [f"region-{n}/{size}" for n in range(14) for size in ("large", "small")]
    fleet.train("warm/up/first")
    (artefact,) = {version.artefact for version in registry.models.list()}
    challengers = [
        Challenger(
            segment,
            "baseline" if segment in baselines else "ensemble",
            artefact,
            segment,
            {},
            {},
            fleet.now,
            fleet.now,
        )
        for segment in (*segments, *baselines)
    ]
    events = registry.ledger.head()[0]
    durations = []
    for week in (23, 30):
        begun = time.process_time()
        registry.models.register(challengers, cutoff=date(2026, 11, week), actor="train")
        durations.append(time.process_time() - begun)
    assert len(registry.models.list()) == 1 + 2 * 84
    assert registry.ledger.head()[0] == events + 2
    assert min(durations) < 0.05  # CPU seconds


def test_only_waiting_models_can_be_refused(fleet, registry):
    (version,) = fleet.train(FAST)
    registry.models.transition([version.name], "refused", actor="ana", reason="trained on a wrong week")
    assert registry.models.get(version.name).state == "refused"
    with pytest.raises(PolicyRefusal, match="is refused and cannot become refused"):
        registry.models.transition([version.name], "refused", actor="ana", reason="again")
    assert registry.ledger.audit(limit=1)[0].after == '{"' + version.name + '":"refused"}'


def test_models_are_promoted_by_releases_only(fleet, registry):
    (version,) = fleet.train(FAST)
    with pytest.raises(UsageError, match="promoting a release"):
        registry.models.transition([version.name], "promoted", actor="ana", reason="please")


def test_an_unknown_model_is_named(registry):
    with pytest.raises(UsageError, match="2026w01-1 is not registered"):
        registry.models.get("dev/north/large/fast/2026w01-1")
