"""The hold: when much of the fleet would fail over at once, that is one trouble of all, and the last publication stays."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.gate import percent
from fleetcast.scoring.failover import KEY
from fleetcast.settings import FailoverSettings

HELD = "held"  # the code of every row of a cycle that is held


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the forecasts of a reach are held: the segments whose champion would not serve, with the code of each."""

    reach: Reach
    failing: Mapping[str, str]
    of: int
    share: float  # the limit that was passed

    @property
    def reason(self) -> str:
        codes = Counter(self.failing.values()).most_common()
        told = ", ".join(f"{count} {code}" for code, count in codes)
        return (
            f"{len(self.failing)} of {self.of} {self.reach} champions would fail over at once ({told}), more than"
            f" {percent(self.share)}: look for what they share (a source, a release, the code) before any one of them"
        )

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {"reach": self.reach, "failing": dict(self.failing), "of": self.of, "share": self.share}


def decide(
    reach: Reach, found: Mapping[str, str], *, out: Collection[str], settings: FailoverSettings
) -> Hold | None:
    """Whether to hold, by what a cycle `found` of each segment's champion: a code, or "" where it would do.

    Those that were `out` before are no news: what people have seen fail over does not hold the fleet every week anew.
    """
    failing = {segment: code for segment, code in sorted(found.items()) if code and segment not in out}
    if len(failing) < settings.hold_fewest or len(failing) <= settings.hold_share * len(found):
        return None
    return Hold(reach, failing, len(found), settings.hold_share)


def held(
    forecasts: pl.DataFrame, completeness: pl.DataFrame, carried: pl.DataFrame, *, cycle: date, release: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A cycle's forecasts and completeness with those instead that were published last, wherever there is one.

    A series that had none keeps what was made for it now: nobody is left without a row. Twice is as once.
    """
    rows = completeness.join(carried, on=KEY, how="inner", maintain_order="left").select(
        pl.lit(cycle).alias("cycle"),
        *KEY,
        ((pl.col("week") - cycle).dt.total_days() // 7).alias("horizon"),
        "segment",
        pl.lit(release).alias("release"),
        pl.lit("carried_forward").alias("failover"),
        *(name for name in carried.columns if name not in KEY),
    )
    kept = forecasts.join(carried, on=KEY, how="anti", maintain_order="left")
    published = pl.concat([rows.select(FORECASTS.columns), kept.select(FORECASTS.columns)]).sort(KEY)
    there = carried.select(*KEY, pl.lit(value=True).alias("there"))
    accounted = completeness.join(there, on=KEY, how="left", maintain_order="left").with_columns(
        state=pl.when("there").then(pl.lit("carried_forward")).otherwise("state"), reason=pl.lit(HELD)
    )
    return published, accounted.select(COMPLETENESS.columns)
