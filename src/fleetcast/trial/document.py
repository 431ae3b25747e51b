"""A design as a file to hand out: readable by people, and believed only as it was written."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.versions import digest_of
from fleetcast.trial.design import Balance, Design, LeftOut, Origin, Pair, Plan
from fleetcast.trial.power import Detectable

KIND = "fleetcast trial"
SCHEMA = 1


def digest(design: Design) -> str:
    """The name of a design: the digest of everything in it."""
    return digest_of(_plain(design))


def written(design: Design) -> str:
    """The design as JSON with its digest."""
    return json.dumps({"digest": digest(design), **_plain(design)}, indent=1, ensure_ascii=False) + "\n"


def read(text: str, *, name: str) -> Design:
    """The design that `written` gave; CorruptError when anything in it was changed since, UsageError when it is none.

    `name` is what messages call it.
    """
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("kind") != KIND:
        raise UsageError(f"{name} is no design of a trial; `fleetcast trial design` writes one")
    if said.get("schema") != SCHEMA:
        raise UsageError(
            f"{name} has schema {said.get('schema')!r}; this version of Fleetcast reads {SCHEMA}"
        )
    content = {key: value for key, value in said.items() if key != "digest"}
    if digest_of(content) != said.get("digest"):
        raise CorruptError(
            f"{name} is not as it was written: its content does not have the digest it names.\n"
            "Take the design as it was handed out; who is pilot and who is control is never changed afterwards."
        )
    return _design(content)


def roster(design: Design) -> pl.DataFrame:
    """`store, arm, pair, stratum`, one row per store, for whoever tells the stores."""
    rows = [
        {"store": store, "arm": arm, "pair": pair.pair, "stratum": pair.stratum}
        for pair in design.pairs
        for arm, store in (("pilot", pair.pilot), ("control", pair.control))
    ]
    return pl.DataFrame(rows).sort("store")


def _plain(design: Design) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(asdict(design), default=_text, allow_nan=False))
    return {"kind": KIND, "schema": SCHEMA, **content}


def _text(value: object) -> str:
    if isinstance(value, date):  # a datetime is a date too
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a design")


def _design(content: Mapping[str, Any]) -> Design:
    origin, plan = content["origin"], content["plan"]
    return Design(
        origin=replace(Origin(**origin), made=datetime.fromisoformat(origin["made"])),
        plan=replace(Plan(**plan), within=tuple(plan["within"]), without=tuple(plan["without"])),
        first=date.fromisoformat(content["first"]),
        last=date.fromisoformat(content["last"]),
        pairs=tuple(Pair(**pair) for pair in content["pairs"]),
        left_out=tuple(LeftOut(**store) for store in content["left_out"]),
        balance=tuple(Balance(**feature) for feature in content["balance"]),
        detectable=tuple(Detectable(**outcome) for outcome in content["detectable"]),
        shared_postal_codes=content["shared_postal_codes"],
    )
