"""The output gate: what must hold of forecasts before they are published, without knowing what will be sold."""

from itertools import pairwise

import numpy as np
import polars as pl

from fleetcast.domain.codes import codes, names
from fleetcast.features.panel import Panel
from fleetcast.scoring.failover import KEY, VALUES

QUANTILES = ["q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]
HISTORY_WEEKS = 104
LEAST_HISTORY = 8  # weeks below which a segment has no history to be held against
WIDTH = 6.0  # robust standard deviations of a week's log total
UNUSABLE = 0.5  # of a champion's rows, from which on the segment is served without it
LEAST_SPREAD = 0.1  # of log totals, so that a very even segment is not held to nothing


def problems(
    forecasts: pl.DataFrame, completeness: pl.DataFrame, universe: pl.DataFrame, history: pl.DataFrame
) -> list[str]:
    """Everything that speaks against publishing, in words; an empty list lets the forecasts out.

    `universe` is what must be published (week, store, product, segment); `history` the demand of past weeks with
    the `segment` of each series, or what each segment's series `sold` on average.
    """
    return [
        *_universe_problems(forecasts, completeness, universe),
        *_value_problems(forecasts),
        *_total_problems(forecasts, history),
    ]


def sound(
    forecasts: pl.DataFrame, completeness: pl.DataFrame, universe: pl.DataFrame, history: pl.DataFrame
) -> bool:
    """Whether there are no `problems` in any segment, asked of all at once: rows stand in the universe's order, as served."""
    named = [*KEY, "segment"]
    blocked = pl.col("state") == "blocked"
    unexplained = completeness.select((blocked & (pl.col("reason").fill_null("") == "")).any()).item()
    return (
        completeness.select(named).equals(universe.select(named))
        and forecasts.select(named).equals(completeness.filter(~blocked).select(named))
        and not universe.select(pl.struct(KEY).is_duplicated().any()).item()
        and not unexplained
        and not _value_problems(forecasts)
        and not _total_problems(forecasts, history)
    )


def unusable(completeness: pl.DataFrame) -> list[str]:
    """Segments whose champion said mostly what is no forecast, as missing values or overflows: it is not to be trusted."""
    share = (pl.col("reason") == "invalid_row").mean()
    found = completeness.group_by("segment").agg(share.alias("share")).filter(pl.col("share") > UNUSABLE)
    return sorted(found["segment"].drop_nulls())


def sold(panel: Panel) -> pl.DataFrame:
    """`segment, week, units` up to the cutoff: what a series of each segment sold on average, null where nothing is known."""
    until = panel.cutoff + 1
    units, given = panel.own_units()[:, :until], panel.given[:, :until]
    among = names([panel.series["segment"]])
    segment = codes(panel.series["segment"], among)
    frames = []
    for number, name in enumerate(among):
        mine = units[segment == number]
        known = np.isfinite(mine)
        count = known.sum(axis=0)
        mean = np.where(known, mine, 0.0).sum(axis=0) / np.where(count, count, np.nan)
        weeks = pl.DataFrame({"week": panel.weeks[:until], "units": pl.Series(mean, nan_to_null=True)})
        frames.append(
            weeks.filter(given[segment == number].any(axis=0)).select(
                segment=pl.lit(name), week="week", units="units"
            )
        )
    return pl.concat(frames)


def _universe_problems(
    forecasts: pl.DataFrame, completeness: pl.DataFrame, universe: pl.DataFrame
) -> list[str]:
    published = completeness.filter(pl.col("state") != "blocked")
    blocked = completeness.filter(pl.col("state") == "blocked")
    counts = {
        "published twice": forecasts.height - forecasts.select(pl.struct(KEY).n_unique()).item(),
        "twice in the completeness ledger": completeness.height
        - completeness.select(pl.struct(KEY).n_unique()).item(),
        "active, but not in the completeness ledger": _missing(universe, completeness),
        "in the completeness ledger, but not active": _missing(completeness, universe),
        "said to be published, but are not": _missing(published, forecasts),
        "published, but not in the completeness ledger": _missing(forecasts, published),
        "blocked without a reason": blocked.filter(pl.col("reason").fill_null("") == "").height,
    }
    return [f"{count} rows are {text}" for text, count in counts.items() if count]


def _missing(rows: pl.DataFrame, among: pl.DataFrame) -> int:
    return rows.join(among, on=KEY, how="anti").height


def _value_problems(forecasts: pl.DataFrame) -> list[str]:
    sound = pl.all_horizontal(pl.col(value).is_finite().fill_null(value=False) for value in VALUES)
    negative = pl.any_horizontal(pl.col(value) < 0 for value in VALUES)
    crossed = pl.any_horizontal(pl.col(low) > pl.col(high) for low, high in pairwise(QUANTILES))
    counts = {
        "have a value that is missing or not finite": ~sound,
        "have a negative value": sound & negative,
        "have quantiles out of order": sound & crossed,
    }
    found = forecasts.select(rows.sum().alias(text) for text, rows in counts.items()).row(0)
    return [f"{count} rows {text}" for text, count in zip(counts, found, strict=True) if count]


def _total_problems(forecasts: pl.DataFrame, history: pl.DataFrame) -> list[str]:
    totals = forecasts.group_by("segment", "week").agg(
        pl.col("mean").sum().alias("total"), pl.len().alias("series")
    )
    judged = totals.join(bounds(history), on="segment", how="inner").sort("segment", "week")
    return [
        f"{row['segment']}, week {row['week']}: {row['total']:.0f} units forecast for {row['series']} series; "
        f"its own history says {row['low'] * row['series']:.0f} to {row['high'] * row['series']:.0f}"
        for row in judged.iter_rows(named=True)
        if not row["low"] <= row["total"] / row["series"] <= row["high"]
    ]


def bounds(history: pl.DataFrame) -> pl.DataFrame:
    """`segment, low, high`: units per series and week between which a segment's forecast of a week must lie.

    Robust: median ± 6 × 1.4826 median deviations of the logs of the trailing weeks, at least as wide as the
    weeks that have been. Per series, so that new and closed stores do not move it; one unit wider on top.
    """
    last = pl.col("week").max().over("segment").dt.offset_by(f"-{HISTORY_WEEKS}w")
    weekly = (
        history.filter(pl.col("units").is_not_null() & (pl.col("week") > last))
        .group_by("segment", "week")
        .agg(pl.col("units").mean().clip(lower_bound=0).log1p().alias("pace"))
    )
    centre = pl.col("pace").median()
    spread = (1.4826 * (pl.col("pace") - centre).abs().median()).clip(lower_bound=LEAST_SPREAD)
    low = pl.min_horizontal(centre - WIDTH * spread, pl.col("pace").min())
    high = pl.max_horizontal(centre + WIDTH * spread, pl.col("pace").max())
    return (
        weekly.group_by("segment")
        .agg(low.alias("low"), high.alias("high"), pl.len().alias("weeks"))
        .filter(pl.col("weeks") >= LEAST_HISTORY)
        .select(
            "segment",
            (pl.col("low").clip(lower_bound=0).exp() - 1).alias("low"),
            pl.col("high").exp().alias("high"),  # expm1 + 1: a segment of zeros may be forecast a little
        )
        .sort("segment")
    )
