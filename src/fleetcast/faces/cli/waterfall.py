"""Explanations as people read them: drivers as bars, effects as a table, one forecast as a waterfall."""

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from fleetcast.faces.cli.figures import count, day, number, share
from fleetcast.faces.cli.paper import Place, next_steps, table, title

if TYPE_CHECKING:
    from fleetcast.fleet.explanations import ForecastExplained, SegmentExplained

WIDTH = 12  # characters of a bar, on either side
FAINT = 0.005  # share of all movement below which a driver is not worth a line


def segment(told: "SegmentExplained", place: Place) -> Group:
    """What moves the forecasts of a segment, and what changes in the world would do to them."""
    strengths = table("Driver", ">Share", "", ">Moves a forecast by")
    most = max((driver.share for driver in told.drivers), default=0.0)
    for driver in told.drivers:
        if driver.share >= FAINT:
            moved = share(math.expm1(driver.strength))
            strengths.add_row(driver.name, share(driver.share), bar(driver.share, most), f"± {moved}")
    rows = table(
        "Driver", "If …", ">the forecast changes by", ">for 10 to 90 % of rows", ">?LASSO", ">?Network"
    )
    for effect in told.effects:
        span = f"{share(effect.low, signed=True)} to {share(effect.high, signed=True)}"
        own = (share(part, signed=True) for part in (effect.linear, effect.net))
        rows.add_row(effect.driver, effect.change, share(effect.effect, signed=True), span, *own)
    return Group(
        Text.assemble(
            (told.segment, "bold"),
            f" · {told.functional} · {told.model}, {told.members} {'member' if told.members == 1 else 'members'}"
            f" · {count(told.forecasts)} forecasts of the cycle of {day(told.cycle)}",
        ),
        "",
        title("What moves the forecasts"),
        strengths,
        "",
        title(
            "What would move next week's"
            if told.horizon == 1
            else f"What would move those {told.horizon} weeks ahead"
        ),
        rows,
        "",
        next_steps(
            place,
            (f"explain {told.segment} --store STORE --product PRODUCT", "what makes one of its forecasts"),
        ),
    )


def forecast(told: "ForecastExplained") -> Group:
    """From the segment's average forecast to this one, driver by driver."""
    rows = table("", ">", "", ">Units")
    rows.add_row("the segment's average forecast", "", "", number(told.average))
    logs, most = math.log1p(told.average), max((abs(part.logs) for part in told.drivers), default=0.0)
    for part in told.drivers:
        logs += part.logs
        rows.add_row(
            part.name, share(part.effect, signed=True), waterfall(part.logs, most), number(math.expm1(logs))
        )
    rows.add_row("this forecast", "", "", number(told.forecast), style="bold")
    features = table("Feature", ">")
    for part in told.features:
        features.add_row(part.name, share(part.effect, signed=True))
    ahead = "1 week" if told.horizon == 1 else f"{told.horizon} weeks"
    return Group(
        Text.assemble(
            (f"{told.store} × {told.product}", "bold"),
            f" · {told.segment} · week of {day(told.week)}, {ahead} ahead · {told.functional}",
        ),
        _published(told),
        *(Text(f"History of {of.predecessor} until the week of {day(of.until)}.") for of in told.borrowed),
        "",
        rows,
        "",
        title("The strongest single features"),
        features,
    )


def _published(told: "ForecastExplained") -> Text:
    if told.published is None:
        return Text("The cycle published no forecast of it.")
    where = "this model" if told.served_by == "champion" else f"{told.served_by}, not by this model"
    return Text(f"Published: {number(told.published)} units, by {where}.".replace("_", " "))


def bar(value: float, most: float) -> str:
    """
    >>> bar(0.5, 1.0)
    '██████'
    """
    return "█" * round(WIDTH * value / most) if most > 0 else ""


def waterfall(value: float, most: float) -> str:
    """A bar to the left for less, to the right for more, about a line in the middle.

    >>> waterfall(-1.0, 2.0)
    '      ██████│            '
    """
    length = bar(abs(value), most)
    return f"{length if value < 0 else '':>{WIDTH}}│{length if value >= 0 else '':<{WIDTH}}"
