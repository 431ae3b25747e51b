"""Finding a store, a product, a model or a run by a piece of its name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

import polars as pl

from fleetcast.domain.tables import MEMBERSHIP, PRODUCTS
from fleetcast.reading import models, runs
from fleetcast.reading.kept import Kept
from fleetcast.workspace import Workspace

Kind = Literal["store", "product", "model", "run"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST = 50  # of a kind


@dataclass(frozen=True, slots=True)
class Hit:
    """Something whose name has the text; `about` says more of it: a region, a category, a segment, a state."""

    kind: Kind
    name: str
    about: str


def search(w: Workspace, regions: frozenset[str] | None, text: str) -> list[Hit]:
    """What a reader of these regions (None: all) may see of it: names that begin with the text before others, by kind."""
    asked = text.strip().lower()
    if not asked:
        return []
    return [hit for kind in KINDS for hit in islice(_matching(_all(w, regions, kind), asked), MOST)]


def _matching(hits: Iterable[Hit], asked: str) -> Iterator[Hit]:
    found = [hit for hit in hits if asked in hit.name.lower()]
    return iter(sorted(found, key=lambda hit: (not hit.name.lower().startswith(asked), hit.name)))


def _all(w: Workspace, regions: frozenset[str] | None, kind: Kind) -> Iterable[Hit]:
    match kind:
        case "model":
            return (Hit(kind, one.name, one.state) for one in models.models(w, regions))
        case "run":
            return (Hit(kind, one.cycle, one.state) for one in runs.runs(w))
    rows = _items(w)
    seen = rows if regions is None else rows.filter(pl.col("region").is_in(sorted(regions)))
    about = "region" if kind == "store" else "category"
    return (Hit(kind, name, said) for name, said in seen.select(kind, about).unique(kind).iter_rows())


def _read(w: Workspace) -> pl.DataFrame:
    """Every store with every product of it."""
    key = w.settings.segments.partition
    newest = w.lake.read(MEMBERSHIP).sort("valid_from").unique(["store", "product"], keep="last")
    goods = (
        w.lake.read(PRODUCTS).sort("valid_from").unique("product", keep="last").select("product", "category")
    )
    region = (pl.col(key) if key else pl.lit("all")).alias("region")
    named = newest.select("store", "product", region).join(goods, on="product", how="left")
    return named.with_columns(pl.col("category").fill_null(""))


_items: Kept[pl.DataFrame] = Kept(_read, lambda w: w.lake.snapshot([MEMBERSHIP, PRODUCTS]))
