"""Every answer of the API carries its version: sent again only when its data changed, and confirmed to nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from tests.faces.asked import Answer, ask
from tests.faces.conftest import Served

from fleetcast.domain.incidents import Signal
from fleetcast.domain.tables import FORECASTS
from fleetcast.faces import server
from fleetcast.fleet import incidents, order_overrides
from fleetcast.ledger.audit import AuditEvent
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import LAST
from fleetcast.workspace import Workspace

CYCLE = "2026w46"
GETS = [path for path, operations in server.document()["paths"].items() if "get" in operations]
OF_ONE = {
    "/{env}/forecasts/{store}/{product}",
    "/{env}/models/{name}",
    "/{env}/lineage",
}  # which lies in a region
OF_ALL = {"/{env}/audit", "/{env}/data/quality"}  # for those who have the whole fleet


def addresses(w: Workspace, region: str = "east") -> dict[str, str]:
    """An address of each GET of the document; of something in a region, where it is of one thing."""
    model = model_of(w, region)
    named = {"env": "dev", "store": f"{region}-1", "product": "00001", "cycle": CYCLE, "name": model}
    incident = next((one.id for one in incidents.every(w)), "none")
    named |= {"release": w.ledger.pointer() or "", "incident": incident}
    query = {"/{env}/lineage": f"?of={model}", "/{env}/incidents": "?all=true"}
    return {path: f"/api/v1{path.format_map(named)}{query.get(path, '')}" for path in GETS}


def model_of(w: Workspace, region: str) -> str:
    with w.ledger.view() as view:
        return next(name for name in view.model_names() if f"/{region}/" in name)


def get(served: Served, address: str, regions: str = "all", version: str = "") -> Answer:
    headers = {"if-none-match": version} if version else {}
    return ask(served.app, "GET", address, token=served.tokens[Role.engineer, regions], headers=headers)


def degraded(w: Workspace) -> None:
    release = w.registry.releases.current()
    assert release
    segment = next(name for name in release.manifest.members if name.startswith("east/"))
    incidents.tell(w, Signal("degraded", segment, LAST, "errors grew"), actor="test")


def other_release(w: Workspace) -> None:
    """The same models as a release of another name."""
    live = w.registry.releases.current()
    assert live
    again = replace(live.manifest, kind="full", parent=live.id)
    cut = w.registry.releases.cut(again, actor="test", segments=list(again.members))
    w.registry.releases.promote(cut.id, actor="test", reason="test", expected=live.id)


def retired(w: Workspace) -> None:
    with w.ledger.transaction() as transaction:
        transaction.transition({model_of(w, "east"): "retired"}, AuditEvent("test", "test", "a model"))


def other_forecasts(w: Workspace) -> None:
    rows = w.lake.read(FORECASTS).filter(pl.col("store").str.starts_with("east"))
    w.lake.replace(FORECASTS, rows.with_columns(pl.col("median") + 1), partition="east")


def sent(w: Workspace, served: Served) -> None:
    week = LAST + timedelta(weeks=1)
    file = f"week,store,product,delivered\n{week},east-1,00001,7.0\n".encode()
    to = "/api/v1/dev/condition/deliveries?name=second.csv"
    assert ask(served.app, "POST", to, token=served.tokens[Role.engineer, "all"], body=[file]).status == 200


CHANGES: dict[str, Callable[[Served], object]] = {
    "/me": lambda s: s.people.grant("eva-all", Role.engineer, frozenset({"east", "west"}), actor="test"),
    "/environments": lambda s: other_release(s.w),
    "/{env}/forecasts/{store}/{product}": lambda s: other_forecasts(s.w),
    "/{env}/forecasts": lambda s: other_forecasts(s.w),
    "/{env}/orders": lambda s: order_overrides.override(
        s.w, order_overrides.recommended(s.w, "east-1", "00001"), 3, actor="test", reason="a fair"
    ),
    "/{env}/models": lambda s: retired(s.w),
    "/{env}/models/{name}": lambda s: retired(s.w),
    "/{env}/releases": lambda s: other_release(s.w),
    "/{env}/releases/{release}": lambda s: other_release(s.w),
    "/{env}/runs": lambda s: s.w.ledger.cycle_started("2026w47"),
    "/{env}/runs/{cycle}/steps": lambda s: s.w.ledger.begin(CYCLE, "score", "all", "inputs"),
    "/{env}/incidents": lambda s: degraded(s.w),
    "/{env}/incidents/{incident}": lambda s: incidents.note(
        s.w, incidents.every(s.w)[0].id, actor="test", text="looked at"
    ),
    "/{env}/audit": lambda s: s.w.ledger.append(AuditEvent("test", "test", "anything")),
    "/{env}/data": lambda s: sent(s.w, s),
    "/{env}/data/quality": lambda s: sent(s.w, s),
    "/{env}/lineage": lambda s: other_release(s.w),
}


def test_what_changes_each_answer_is_known():
    assert set(CHANGES) == set(GETS)


@pytest.mark.parametrize("path", CHANGES)
def test_an_answer_is_sent_again_only_when_its_data_changed(serving, path):
    if "{incident}" in path:
        degraded(serving.w)
    address = addresses(serving.w)[path]
    first = get(serving, address)
    assert (first.status, first.headers["cache-control"]) == (200, "private, no-cache")
    for version in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = get(serving, address, version=version)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert get(serving, address, version='"other"').status == 200

    CHANGES[path](serving)
    changed = get(serving, address, version=first.headers["etag"])
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert changed.body != first.body


def test_a_version_confirms_nothing_that_a_reader_may_not_see(serving):
    degraded(serving.w)
    for path, address in addresses(serving.w).items():
        whole = get(serving, address)
        theirs = get(serving, address, "east", version=whole.headers["etag"])
        if path in OF_ALL:
            assert (theirs.status, "etag" in theirs.headers) == (404, False), path
        else:
            same = get(serving, address, "east").body == whole.body
            assert theirs.status == (304 if same else 200), path
            assert (theirs.headers["etag"] == whole.headers["etag"]) == same, path
    for path in OF_ONE:
        address = addresses(serving.w, "west")[path]
        version = get(serving, address).headers["etag"]
        theirs = get(serving, address, "east", version=version)
        assert (theirs.status, "etag" in theirs.headers) == (404, False), path


@pytest.mark.parametrize("path", ["/{env}/forecasts", "/{env}/orders", "/{env}/models"])
def test_other_regions_are_another_version(serving, path):
    address = addresses(serving.w)[path]
    version = get(serving, address).headers["etag"]
    serving.people.grant("eva-all", Role.engineer, frozenset({"east"}), actor="test")
    assert get(serving, address, version=version).status == 200
