"""Pools in releases: named with the segments they lend to, verified and moved with them."""

import json
from dataclasses import replace

import pytest

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.registry.manifest import Manifest, Member, Reference

FAST, SLOW, SMALL = "north/large/fast", "north/large/slow", "north/small/fast"


def pooled(fleet, *, kind="pool"):
    """A manifest in which one segment borrows from a pool, and the pool."""
    (pool,) = fleet.train("north/pool", kind=kind)
    manifest = fleet.manifest()
    members = dict(manifest.members)
    members[FAST] = replace(members[FAST], pool=Reference.to(pool))
    return replace(manifest, members=members), pool


def live(fleet, registry):
    manifest, pool = pooled(fleet)
    release = registry.releases.cut(manifest, actor="ci", segments=fleet.segments)
    registry.releases.promote(release.id, actor="ci", reason="passed", expected=registry.ledger.pointer())
    return release, pool


def test_a_release_without_pools_reads_as_it_did_before_there_were_any(fleet):
    told = json.loads(fleet.manifest().dump())
    assert set(told["members"][FAST]) == {"model", "artefact", "key", "serving", "passed", "reason"}


def test_a_member_s_pool_reads_back_as_it_was_cut(fleet, registry):
    release, pool = live(fleet, registry)
    again = registry.releases.get(release.id).manifest
    assert again == release.manifest == Manifest.load(release.manifest.dump())
    assert again.members[FAST].pool == Reference.to(pool)
    assert again.members[SLOW].pool is None
    assert pool.artefact in again.artefacts


def test_a_pool_is_promoted_and_retired_with_those_it_lends_to(fleet, registry):
    _, first = live(fleet, registry)
    assert registry.models.get(first.name).state == "promoted"
    live(fleet, registry)
    assert registry.models.get(first.name).state == "retired"


def test_a_damaged_pool_does_not_go_live(fleet, registry, tmp_path):
    manifest, pool = pooled(fleet)
    release = registry.releases.cut(manifest, actor="ci", segments=fleet.segments)
    (blob,) = tmp_path.rglob(pool.artefact)
    blob.chmod(0o644)
    blob.write_bytes(b"something else")
    with pytest.raises(CorruptError):
        registry.releases.promote(release.id, actor="ci", reason="passed", expected=None)


def test_a_pool_serves_nobody_by_itself_and_nothing_else_lends(fleet, registry):
    (pool,) = fleet.train(FAST, kind="pool")
    with pytest.raises(UsageError, match="is a pool"):
        Member.of(pool, passed=True)
    manifest, _ = pooled(fleet, kind="ensemble")
    with pytest.raises(UsageError, match="is no pool"):
        registry.releases.cut(manifest, actor="ci", segments=fleet.segments)


def test_a_partial_release_and_a_rollback_keep_each_segment_s_pool(fleet, registry):
    first, pool = live(fleet, registry)
    partial = registry.releases.get(fleet.partial(SLOW))
    assert partial.manifest.members[FAST].pool == Reference.to(pool)
    live(fleet, registry)
    back = registry.releases.rollback(first.id, actor="ops", reason="odd", segments=[FAST])
    assert back.manifest.members[FAST].pool == Reference.to(pool)
    assert registry.models.get(pool.name).state == "promoted"


def test_the_last_known_good_model_comes_with_the_pool_it_had(fleet, registry):
    _, first = live(fleet, registry)
    live(fleet, registry)
    assert registry.releases.last_known_good(FAST).pool == Reference.to(first)


def test_a_diff_shows_a_segment_whose_pool_alone_is_another(fleet, registry):
    release, _ = live(fleet, registry)
    (other,) = fleet.train("north/pool", kind="pool")
    members = dict(release.manifest.members)
    members[FAST] = replace(members[FAST], pool=Reference.to(other))
    changed = registry.releases.cut(
        replace(release.manifest, members=members), actor="ci", segments=fleet.segments
    )
    (change,) = registry.releases.diff(release.id, changed.id)
    assert (change.segment, change.new.pool.model) == (FAST, other.name)
