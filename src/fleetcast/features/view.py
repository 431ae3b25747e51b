"""The view from a cutoff: a partition's history as it was known then, as a panel."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from fleetcast.demand import net_demand
from fleetcast.domain.history import History
from fleetcast.domain.tables import (
    PRODUCTS,
    STORES,
    Table,
    as_known_at,
)
from fleetcast.domain.week import WEEK, Looks
from fleetcast.features.borrowing import lend
from fleetcast.features.design import Design
from fleetcast.features.panel import Covariate, Panel, build
from fleetcast.settings import Settings
from fleetcast.succession import borrowed, lines, predecessors


def panel_at(history: History, cutoff: date, tables: Mapping[str, Table], *, settings: Settings) -> Panel:
    """The panel of a partition with nothing in it that became known after the cutoff's moment.

    Series keep the segment they belong to now, whatever it was then: a challenger is judged on the rounds of its
    present members. A successor has the weeks of its predecessor before its own, if the succession was known then.
    """
    moment = Looks.of(settings.calendar.ready_after_days, history.received).at(cutoff)
    stores = as_known_at(STORES, history.stores, moment)
    products = as_known_at(PRODUCTS, history.products, moment)
    net = net_demand(
        history.deliveries,
        history.returns,
        stores,
        products,
        cutoff=cutoff,
        settings=settings.demand,
        moment=moment,
    )
    before = predecessors(products, cutoff + max(settings.training.horizons) * WEEK)
    panel = build(
        net,
        _in_lines(series_of(history.membership, products, settings), before),
        cutoff=cutoff,
        horizons=settings.training.horizons,
        deliveries=history.deliveries,
        returns=history.returns,
        returns_weeks=settings.demand.returns_weeks,
        ready_after_days=settings.calendar.ready_after_days,
        received=history.received,
        absent=settings.demand.absent,
        covariates=[
            Covariate(name, settings.covariates[name], as_known_at(tables[name], frame, moment))
            for name, frame in history.covariates.items()
        ],
        stores=stores,
        weather=history.weather,
        events=history.events,
    )
    return panel if before.is_empty() else lend(panel, borrowed(net.frame(), before))


def design_at(
    history: History,
    cutoff: date,
    tables: Mapping[str, Table],
    *,
    settings: Settings,
    only_ahead: bool = False,
) -> Design:
    """The features of that panel; `only_ahead`: for the weeks after the cutoff alone, which costs less."""
    panel = panel_at(history, cutoff, tables, settings=settings)
    since = panel.cutoff + 1 if only_ahead else 0
    return Design.of(panel, settings.training.features, settings.covariates, since=since)


def series_of(membership: pl.DataFrame, products: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """One row per series with its segment, its baseline's segment and its product's category ("" where none is known)."""
    newest = membership.sort("valid_from").unique(["store", "product"], keep="last")
    category = products.sort("valid_from").unique("product", keep="last").select("product", "category")
    return (
        newest.with_columns(
            pl.concat_str(settings.segments.keys, separator="/").alias("segment"),
            pl.concat_str(settings.segments.baseline_keys, separator="/").alias("baseline"),
        )
        .join(category, on="product", how="left")
        .with_columns(pl.col("category").fill_null(""))
        .sort("store", "product")
    )


def _in_lines(series: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Add `line`: a successor is to a model the product that its line began with."""
    known = series.join(lines(before), on="product", how="left", maintain_order="left")
    return known.with_columns(pl.coalesce("line", "product"))
