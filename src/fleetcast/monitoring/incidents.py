"""What people are told of alarms: one incident for each, but one for all when much of the fleet is in alarm at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fleetcast.domain.week import label
from fleetcast.gate import percent
from fleetcast.monitoring.degradation import Degradation
from fleetcast.settings import MonitoringSettings


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing to look into: the segments it shows in, since when, and what is likely to be behind it."""

    cause: Literal["segment", "common shock"]
    segments: tuple[str, ...]
    since: date
    reason: str


def incidents(verdicts: Sequence[Degradation], settings: MonitoringSettings) -> list[Incident]:
    """The incidents behind the alarms of one week; of a common shock, whatever it is, there is one.

    The share is of the segments that were decided on. One segment is never a common shock, however small the fleet.
    """
    alarms = sorted((one for one in verdicts if one.state == "alarm"), key=lambda one: one.segment)
    decided = sum(one.state != "no decision" for one in verdicts)
    if len(alarms) < 2 or len(alarms) <= settings.common_share * decided:
        return [
            Incident("segment", (one.segment,), one.since or one.week, f"{one.segment}: {one.reason}")
            for one in alarms
        ]
    since = min(one.since or one.week for one in alarms)
    reason = (
        f"{len(alarms)} of {decided} segments are in alarm, more than {percent(settings.common_share)}, the first since"
        f" {label(since)}: look for what they share (a source, a release, a holiday) before any one of them"
    )
    return [Incident("common shock", tuple(one.segment for one in alarms), since, reason)]
