"""What the document shows of each operation: an answer, and a body where one is sent, as the models that are served."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

from fastapi.encoders import jsonable_encoder

from fleetcast.domain.incidents import Note
from fleetcast.domain.versions import digest_of
from fleetcast.faces.api.account import Environment, Me
from fleetcast.faces.api.asking import Page
from fleetcast.faces.api.scoring import Question
from fleetcast.fleet.lineage import Edge, Graph, Node
from fleetcast.fleet.report import IncidentLine, Member, ReleaseLine, ReleaseView, TableVersion
from fleetcast.fleet.uploads import SetAside, Taken
from fleetcast.fleet.what_if import Answer, Numbers, Row
from fleetcast.ledger.audit import AuditRecord
from fleetcast.people.roles import Action, Role
from fleetcast.reading.forecasts import SeriesForecast
from fleetcast.reading.models import ModelLine, ModelPage
from fleetcast.reading.orders import OrderRow
from fleetcast.reading.runs import Quality, RunLine, StepLine

JSON = "application/json"
FILE = "application/octet-stream"

STORE, PRODUCT, REGION = "S0001", "P0001", "north-texas"
SEGMENT = f"{REGION}/large/fast"
MODEL = f"dev/{SEGMENT}/2026w47-1"
SOURCE = "deliveries"
CUTOFF, WEEK = date(2026, 11, 16), date(2026, 11, 23)  # the newest week known, and the first one forecast
BEGAN, ENDED = datetime(2026, 11, 25, 6, tzinfo=UTC), datetime(2026, 11, 25, 6, 12, 30, tzinfo=UTC)
QUANTILES = {"q0.025": 6.1, "q0.1": 8.4, "q0.5": 12.3, "q0.9": 17.2, "q0.975": 20.5}


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation of the document: what it answers, and what it is sent."""

    answer: Any
    body: Any = None
    media_type: str = JSON  # of the body


def _id(name: str) -> str:
    return digest_of({"example": name})


RELEASE = ReleaseLine(
    _id("release"), kind="full", cutoff=CUTOFF, models=55, baselines=1, parent=_id("before"), live=True
)
FORECAST = {
    "week": WEEK,
    "horizon": 1,
    "segment": SEGMENT,
    "model": MODEL,
    "failover": "champion",
    "median": 12.3,
    "mean": 12.6,
    "mape": 11.8,
    **QUANTILES,
}
FORECASTS = {
    "cycle": CUTOFF,
    "store": STORE,
    "product": PRODUCT,
    "release": RELEASE.release,
    "region": REGION,
    **FORECAST,
}
ORDER = OrderRow(
    region=REGION,
    store=STORE,
    product=PRODUCT,
    week=WEEK,
    delivered=14.0,
    low=8.4,
    median=12.3,
    high=17.2,
    order=15.0,
    change=1.0,
    reason="ok",
    failover="champion",
    override=18.0,
    override_by="ana",
    override_reason="a fair in town",
    bring=18.0,
)
MODEL_LINE = ModelLine(MODEL, SEGMENT, "2026w47", number=1, kind="ensemble", state="promoted")
INCIDENT = IncidentLine(
    id="3320095e13be",
    kind="degraded",
    segment=SEGMENT,
    source=None,
    subject=SEGMENT,
    week=CUTOFF,
    seen=CUTOFF,
    closed=None,
    state="acknowledged",
    severity="alarm",
    cause="errors grew: MAPE 38.2 % in 4 weeks, 24.0 % before",
    owner="ben",
    evidence={"mape": 0.382, "before": 0.24},
    closed_by=None,
    notes=(Note(ENDED, "ben", "a price list came late; a corrected one is announced"),),
)
AUDITED = AuditRecord(
    seq=214,
    at=ENDED,
    actor="ana",
    action="release.promote",
    subject=RELEASE.release,
    reason="errors fell in all regions",
    before=RELEASE.parent,
    after=RELEASE.release,
    policy="policy.toml: 2 approvals",
    previous=_id("record 213"),
    hash=_id("record 214"),
)
GRAPH = Graph(
    focus=f"model {MODEL}",
    nodes=(Node("model", MODEL, "ensemble"), Node("snapshot", _id("snapshot"))),
    edges=(Edge(f"model {MODEL}", f"snapshot {_id('snapshot')}", "trained on"),),
)
NUMBERS = Numbers(12.3, 12.6, 11.8, QUANTILES, order=15.0, order_reason="ok")
CHEAPER = Numbers(16.1, 16.5, 15.4, {name: units * 1.3 for name, units in QUANTILES.items()}, 19.0, "ok")
SCORED = Answer(
    environment="dev",
    cycle=CUTOFF,
    release=RELEASE.release,
    snapshot=_id("snapshot"),
    supposed={"price": 2.49},
    rows=(
        Row(
            STORE,
            PRODUCT,
            WEEK,
            horizon=1,
            segment=SEGMENT,
            model=MODEL,
            state="champion",
            reason="ok",
            published=12.3,
            forecast=NUMBERS,
            what_if=CHEAPER,
            moved=3.8,
        ),
    ),
)
TAKEN = Taken(
    source=SOURCE,
    file="week48.csv",
    digest=_id("file"),
    bytes=83,
    new=True,
    rows=2,
    quarantined=1,
    set_aside=(SetAside(3, "not_a_number", "delivered 'x' is not a number", "2026-11-23,S0001,P0002,x"),),
    account={"source": SOURCE, "files": 48, "refused": 0, "rows": 962, "accepted": 961}
    | {"quarantined": 1, "duplicates": 0},
    tables={SOURCE: _id("deliveries")},
)


def _page(*items: Any) -> Page[Any]:
    return Page(items=list(items), total=len(items), offset=0)


EXAMPLES: Mapping[tuple[str, str], Shown] = {
    ("get", "/me"): Shown(Me("nightly", Role.viewer, [REGION], [Action.read])),
    ("get", "/environments"): Shown([Environment("dev", RELEASE.release), Environment("prod", None)]),
    ("get", "/{env}/forecasts/{store}/{product}"): Shown(
        SeriesForecast(CUTOFF, RELEASE.release, STORE, PRODUCT, REGION, [FORECAST])
    ),
    ("get", "/{env}/forecasts"): Shown(_page(FORECASTS)),
    ("get", "/{env}/orders"): Shown(_page(ORDER)),
    ("post", "/{env}/score"): Shown(
        SCORED,
        Question(stores=[STORE], products=[PRODUCT], weeks=[WEEK.isoformat()], suppose={"price": 2.49}),
    ),
    ("post", "/{env}/condition/{source}"): Shown(
        TAKEN,
        "week,store,product,delivered\n2026-11-23,S0001,P0001,12\n2026-11-23,S0001,P0002,x\n",
        FILE,
    ),
    ("get", "/{env}/models"): Shown(_page(MODEL_LINE)),
    ("get", "/{env}/models/{name}"): Shown(
        ModelPage(MODEL_LINE, {"artefact": _id("artefact"), "verdict": {"passed": True, "reasons": []}})
    ),
    ("get", "/{env}/releases"): Shown(_page(RELEASE)),
    ("get", "/{env}/releases/{release}"): Shown(
        ReleaseView(
            RELEASE,
            (Member(SEGMENT, MODEL, "ensemble", reason="", mape=0.284),),
            {name: _id(name) for name in ("code", "lock", "snapshot", "feature spec", "settings")},
        )
    ),
    ("get", "/{env}/runs"): Shown(
        _page(RunLine("2026w47", "done", 1, BEGAN, ENDED, (ENDED - BEGAN).total_seconds()))
    ),
    ("get", "/{env}/runs/{cycle}/steps"): Shown(
        _page(StepLine("score", REGION, "done", 1, BEGAN, ENDED, error=None))
    ),
    ("get", "/{env}/incidents"): Shown(_page(INCIDENT)),
    ("get", "/{env}/incidents/{incident}"): Shown(INCIDENT),
    ("get", "/{env}/audit"): Shown([AUDITED]),
    ("get", "/{env}/data"): Shown(
        [TableVersion(SOURCE, _id("deliveries"), 52_000, first="2024-11-25", last="2026-11-16")]
    ),
    ("get", "/{env}/data/quality"): Shown([Quality(SOURCE, 48, 0, 962, 961, 1, 0, until="2026-11-22")]),
    ("get", "/{env}/lineage"): Shown(GRAPH),
}


def shown_in(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with an example of each operation."""
    for (method, path), shown in EXAMPLES.items():
        operation = document["paths"][path][method]
        answer = operation["responses"][str(HTTPStatus.OK.value)]
        answer["content"][JSON]["example"] = jsonable_encoder(shown.answer)
        if shown.body is not None:
            operation["requestBody"]["content"][shown.media_type]["example"] = jsonable_encoder(shown.body)
    return document
