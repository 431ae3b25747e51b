"""Which rolling-origin rounds a cutoff is judged by."""

from datetime import date

from fleetcast.domain.week import WEEK


def origins(cutoff: date, *, rounds: int, longest: int, open_weeks: int, step: int = 1) -> list[date]:
    """The last `rounds` origins, `step` weeks apart, whose every horizon has its final actual by the cutoff, oldest first.

    `longest` is the longest horizon and `open_weeks` the weeks for which returns may still come, both in weeks:
    a forecast made at o for o + longest can be judged once that week is final.

    >>> origins(date(2026, 11, 9), rounds=2, longest=4, open_weeks=3)
    [datetime.date(2026, 9, 14), datetime.date(2026, 9, 21)]
    """
    last = cutoff - (longest + open_weeks) * WEEK
    return [last - back * step * WEEK for back in reversed(range(rounds))]
