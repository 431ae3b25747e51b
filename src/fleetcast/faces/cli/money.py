"""Orders as a person wants to see them: what was taken out, and what each way of ordering costs."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, counted, day, share
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import ILL, Place, next_steps, served, table, title
from fleetcast.fleet.order_sheets import OrderExport
from fleetcast.fleet.ordering import LostSales, OrderReplay, PolicyLine

NAMES: Mapping[str, str] = {
    "fleetcast": "Fleetcast",
    "delivered": "what was delivered",
    "quantile": "same, not in cases",
    "median": "median forecast",
    "mean": "mean forecast",
    "last_week": "last week's demand",
    "historical_mean": "historical mean",
}
UNITS = " · quantities in units, money as in the table prices"
WORDS: Mapping[str, str] = {
    "closed": "the series was not delivered that week",
    "not_final": "its returns are still open",
    "unknown_demand": "demand is unknown",
    "no_intervals": "too few earlier rounds were known by then for an interval",
    "no_cost": "no margin and return cost in force",
    "no_capacity": "no shelf capacity in force",
    "no_case_pack": "no case pack in force",
    "no_forecast": "no forecast",
    "no_last_week": "nothing known of the week before",
    "no_history": "no history to average",
}


def taken_out(found: OrderExport, place: Place) -> Group:
    """Which orders, where they are, and what to do next."""
    heading = Text.assemble(
        (f"Orders for the week of {day(found.week)}", "bold"),
        f" · cycle {found.cycle} · {count(found.rows)} series, {found.units:,.0f} units",
    )
    rows = table(None, None)
    rows.add_row("reasons", ", ".join(f"{count(n)} {reason}" for reason, n in found.reasons.items()))
    if found.overridden:
        rows.add_row("overridden", f"{count(found.overridden)} by a person; `bring` is what holds")
    rows.add_row("served by", served(found.failover))  # type: ignore[arg-type]  # its keys are the states
    for path in found.written:
        rows.add_row("written", path)
    following = next_steps(
        place,
        ("orders replay", "what orders like these cost and save"),
        ("status", "how good the forecasts behind them are"),
    )
    return Group(heading, rows, *_without_order(found.reasons), "", following)


def _without_order(reasons: Mapping[str, int]) -> list[Text]:
    """What a planner has to fill in by hand, or to mend; a series with an order of 0 is none of them."""
    return [
        ILL.text(f"{count(n)} series have no order: {WORDS[reason]}")
        for reason, n in reasons.items()
        if reason in WORDS
    ]


def replay(found: OrderReplay, place: Place) -> Group:
    """The policies of the whole fleet, Fleetcast against the others per region, and what is not in these figures."""
    if not found.priced:
        head = Text(f"None of {count(found.rows)} orders of the stored rounds can be priced yet.")
        again = next_steps(place, ("run", "another week: every run adds a round"))
        return Group(head, uncounted(found.uncounted), "", again)
    span = (
        day(found.weeks[0]) if len(found.weeks) == 1 else f"{day(found.weeks[0])} to {day(found.weeks[-1])}"
    )
    heading = Text.assemble(
        (
            f"{counted(len(found.weeks), 'past week')} ordered again",
            "bold",
        ),
        f" · {found.environment} · {span} · {count(found.priced)} orders priced",
    )
    return Group(
        heading,
        "",
        Text.assemble(("Ways of ordering", "bold"), (UNITS, "dim")),
        policies(found.total),
        sold_out(found),
        "",
        Text.assemble(("Fleetcast's orders by region", "bold"), (UNITS, "dim")),
        regions(found.regions),
        "",
        Text.assemble(("Lost sales of the trailing year, estimated", "bold"), (UNITS, "dim")),
        lost_sales(found.lost_sales),
        "",
        title("Not priced"),
        uncounted(found.uncounted),
        "",
        next_steps(place, ("export orders", "the orders of the coming week, for the people who bring them")),
    )


def policies(lines: Sequence[PolicyLine]) -> Table:
    """One row per policy; what Fleetcast saves has a 90 % interval over weeks."""
    rows = table(
        "",
        ">??Brought",
        ">Came back",
        ">Lost sales",
        ">Demand filled",
        ">Cost",
        ">?Fleetcast saves",
        ">of the cost (90 % interval)",
    )
    for line in lines:
        rows.add_row(
            NAMES[line.policy],
            whole(line.ordered),
            whole(line.returned),
            whole(line.lost),
            share(line.service),
            whole(line.cost),
            whole(line.saving),
            _interval(line),
        )
    return rows


def sold_out(found: OrderReplay) -> Text:
    """How sold-out weeks are in these figures, and what the saving is without estimating them."""
    line = _of(found.total, "delivered")
    least = _of(found.at_least, "delivered")
    return Text(
        f"{count(line.n_censored)} of these orders are for a week that sold out: its demand is estimated. Taken as no more "
        f"than what was sold, what was delivered cost {whole(least.cost)}, and Fleetcast saves {_interval(least)} of it.",
        "dim",
    )


def regions(found: Mapping[str, Sequence[PolicyLine]]) -> Table:
    """One row per region: Fleetcast beside what was delivered, and its saving against the other two."""
    rows = table(
        "Region",
        ">?Orders",
        ">Demand\nfilled",
        ">when\ndelivered",
        ">Cost",
        ">when\ndelivered",
        ">?Saved",
        ">against what was delivered",
        ">?against\nlast week",
        ">?against\nthe mean",
    )
    for region, lines in found.items():
        ours, delivered = _of(lines, "fleetcast"), _of(lines, "delivered")
        rows.add_row(
            region,
            count(ours.n),
            share(ours.service),
            share(delivered.service),
            whole(ours.cost),
            whole(delivered.cost),
            whole(delivered.saving),
            _interval(delivered),
            share(_of(lines, "last_week").share, signed=True),
            share(_of(lines, "historical_mean").share, signed=True),
        )
    return rows


def lost_sales(lines: Sequence[LostSales]) -> Table:
    """Per region: how often the shelf was empty, and what that is thought to have cost."""
    rows = table("Region", ">Sold-out weeks", ">of all", ">Units lost", ">of demand", ">Margin lost")
    for line in lines:
        often = line.sold_out / line.weeks if line.weeks else None
        rows.add_row(
            line.region,
            count(line.sold_out),
            share(often),
            whole(line.lost),
            share(line.share),
            whole(line.money),
        )
    return rows


def uncounted(reasons: Mapping[str, int]) -> RenderableType:
    """The orders that no figure holds, by coded reason."""
    if not reasons:
        return Text("Nothing: every order of the rounds is in these figures.")
    rows = table(">Orders", "Reason", "")
    for reason, orders in reasons.items():
        rows.add_row(count(orders), reason, WORDS[reason])
    return rows


def whole(value: float | None) -> str:
    """Units or money, without decimals.

    >>> whole(1234.56), whole(-0.4), whole(None)
    ('1,235', '0', '–')
    """
    return NONE if value is None or value != value else f"{round(value):,}".replace("-", "−")


def _interval(line: PolicyLine) -> str:
    if line.share is None:
        return NONE
    if line.share_low is None:
        return share(line.share, signed=True)
    low, high = (share(bound, signed=True).removesuffix(" %") for bound in (line.share_low, line.share_high))
    return f"{share(line.share, signed=True)} ({low} to {high})"


def _of(lines: Sequence[PolicyLine], policy: str) -> PolicyLine:
    return next(line for line in lines if line.policy == policy)
