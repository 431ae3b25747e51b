"""Which rolling-origin rounds a cutoff is judged by, and which ones a first training makes."""

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


def walked(cutoff: date, *, rounds: int, longest: int, open_weeks: int) -> list[date]:
    """The origins that a first training walks through: the last that are judged whole, and those after them, oldest first.

    The later ones will be judged in the weeks to come, beside the rounds that each week's training adds. Where there
    are more than `rounds` of them, they are as many, evenly spread.

    >>> walked(date(2026, 11, 9), rounds=2, longest=2, open_weeks=1)
    [datetime.date(2026, 10, 12), datetime.date(2026, 10, 19), datetime.date(2026, 10, 26), datetime.date(2026, 11, 2)]
    """
    judged = origins(cutoff, rounds=rounds, longest=longest, open_weeks=open_weeks)
    between = longest + open_weeks - 1
    step = max(1, -(-between // rounds))
    return [*judged, *(cutoff - back * WEEK for back in reversed(range(step, between + 1, step)))]
