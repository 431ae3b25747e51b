"""What is done from pages: asked once more, for a reason, by the same functions as the commands."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.faces.web.browser import application

from fleetcast.domain.errors import ConflictError, UsageError
from fleetcast.fleet import retraining
from fleetcast.registry.manifest import Member, inherit
from fleetcast.registry.models import Challenger
from fleetcast.testing.served import CUTOFF, SCORED, opened
from fleetcast.workspace import Workspace

SEGMENT = "region-01/large/fast/c01"
WHY = {"reason": "it is better"}


@pytest.fixture
def acted(fleet_folder, tmp_path) -> tuple[Workspace, TestClient, list[str]]:
    """A fleet of one's own in which a second release went live, and its releases in order."""
    folder = Path(shutil.copytree(fleet_folder, tmp_path / "fleet"))
    w = opened(folder)
    first = w.registry.releases.current()
    second = w.registry.releases.cut(_with_another(w, first), actor="test")
    w.registry.releases.promote(second.id, actor="test", reason="the second", expected=first.id)
    return w, TestClient(application(folder), follow_redirects=False), [first.id, second.id]


def _with_another(w, live):
    """The live fleet, with one segment's model trained again."""
    before = w.registry.models.get(live.manifest.members[SEGMENT].model)
    made = Challenger(
        SEGMENT,
        "ensemble",
        before.artefact,
        before.key,
        {**before.lineage, "seed": 2},
        before.verdict,
        SCORED + timedelta(days=1),
        SCORED + timedelta(days=1),
    )
    (version,) = w.registry.models.register([made], cutoff=CUTOFF, actor="test")
    members = {SEGMENT: Member.of(version, passed=True)}
    return inherit(
        replace(live.manifest, members=members, verdicts={SEGMENT: version.verdict}, baselines={}), live
    )


def last(w: Workspace, action: str):
    with w.ledger.view() as view:
        return view.audit(action=action, limit=1)[0]


def test_the_fleet_goes_back_and_forth_and_the_audit_log_says_why(acted):
    w, pages, (first, second) = acted
    asked = pages.get("/dev/roll-back").text
    assert first[:12] in asked
    assert SEGMENT in asked

    back = pages.post("/dev/roll-back", data=WHY)
    assert back.status_code == 303
    assert w.ledger.pointer() == first
    assert last(w, "release.rollback").reason == "it is better"

    forth = pages.post("/dev/promote", data={"release": second, **WHY})
    assert forth.status_code == 303, forth.text
    assert w.ledger.pointer() == second
    assert last(w, "release.promote").actor == "local"
    assert "The release is live" in pages.get(forth.headers["location"]).text


def test_a_version_that_does_not_serve_leads_to_its_release(acted):
    _, pages, (_, second) = acted
    address, version = f"/dev/models/{SEGMENT}", {"v": "2026w46-2"}
    assert "Promote its release" not in pages.get(address, params=version).text  # it serves
    pages.post("/dev/roll-back", data=WHY)
    assert f"/dev/promote?release={second}" in pages.get(address, params=version).text


def test_one_segment_goes_back_alone(acted):
    w, pages, _ = acted
    done = pages.post("/dev/roll-back", data={"segment": SEGMENT, **WHY})
    assert done.headers["location"].startswith(f"/dev/models/{SEGMENT}")
    assert w.registry.releases.current().manifest.members[SEGMENT].model.endswith("2026w46-1")


def test_a_model_is_refused_for_good_and_another_serves(acted):
    w, pages, _ = acted
    name = f"dev/{SEGMENT}/2026w46-2"
    assert pages.post("/dev/quarantine", data={"model": name, **WHY}).status_code == 303
    assert w.registry.models.get(name).state == "refused"
    assert w.registry.releases.current().manifest.members[SEGMENT].model.endswith("2026w46-1")
    assert "refused already" in pages.get("/dev/quarantine", params={"model": name}).text


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001])
def test_nothing_is_done_without_a_reason(acted, reason):
    w, pages, (_, second) = acted
    answer = pages.post("/dev/roll-back", data={"reason": reason})
    assert answer.status_code == 400
    assert "Reason, for the audit log" in answer.text.split('role="alert"')[1].split("</p>")[0]
    assert w.ledger.pointer() == second


def test_what_was_asked_about_another_release_is_not_done(acted):
    w, pages, (first, second) = acted
    answer = pages.post("/dev/roll-back", data={"live": first, **WHY})
    assert answer.status_code == 400
    assert "became live meanwhile" in answer.text
    assert "it is better" in answer.text  # what was written is kept
    assert w.ledger.pointer() == second


def test_who_has_one_region_moves_nothing_but_its_segments(pages_of):
    theirs = pages_of("admin", "region-02")
    for path, fields in {
        "roll-back": {},
        "promote": {"release": "0"},
        "quarantine": {"model": f"dev/{SEGMENT}/2026w46-1"},
        "retrain": {"segment": SEGMENT},
    }.items():
        assert theirs.get(f"/dev/{path}", params=fields).status_code == 404, path
        assert theirs.post(f"/dev/{path}", data={**fields, **WHY}).status_code == 404, path
    assert theirs.get("/dev/retrain", params={"segment": "region-02/large/fast/c01"}).status_code == 200


def test_only_a_segment_that_serves_is_retrained_and_only_while_nobody_is_at_a_week(fleet_folder):
    w = opened(fleet_folder)
    with pytest.raises(UsageError, match="no segment"):
        retraining.start(w, ["nowhere/large/fast/c01"], actor="Ann", reason="why not")
    with w.ledger.lease("cycle", "Bob", 10.0), pytest.raises(ConflictError, match="Bob is running a week"):
        retraining.start(w, [SEGMENT], actor="Ann", reason="why not")
