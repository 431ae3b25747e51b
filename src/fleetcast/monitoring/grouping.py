"""What alarms of segments mean: trouble of each, but one of the whole fleet when much of it is in alarm at once."""

from collections.abc import Sequence

from fleetcast.domain.incidents import FLEET, Signal
from fleetcast.domain.week import label
from fleetcast.gate import percent
from fleetcast.monitoring.degradation import Degradation
from fleetcast.settings import MonitoringSettings


def grouped(verdicts: Sequence[Degradation], settings: MonitoringSettings) -> list[Signal]:
    """The signals behind the alarms of one week; of a common shock, whatever it is, there is one.

    The share is of the segments that were decided on. One segment is never a common shock, however small the fleet.
    """
    alarms = sorted((one for one in verdicts if one.state == "alarm"), key=lambda one: one.segment)
    decided = sum(one.state != "no decision" for one in verdicts)
    if len(alarms) < 2 or len(alarms) <= settings.common_share * decided:
        return [_alone(one) for one in alarms]
    since = min(one.since or one.week for one in alarms)
    cause = (
        f"{len(alarms)} of {decided} segments are in alarm, more than {percent(settings.common_share)}, the first since"
        f" {label(since)}: look for what they share (a source, a release, a holiday) before any one of them"
    )
    evidence = {"segments": [one.segment for one in alarms]}
    return [Signal("shock", FLEET, alarms[0].week, cause, severity="alarm", evidence=evidence)]


def _alone(one: Degradation) -> Signal:
    evidence: dict[str, object] = {
        "since": str(one.since or one.week),
        "late": one.late,
        "usual": one.usual,
    }
    for found in one.evidence:
        evidence[found.rule] = [found.value, found.limit]
    return Signal("degraded", one.segment, one.week, one.reason, severity="alarm", evidence=evidence)
