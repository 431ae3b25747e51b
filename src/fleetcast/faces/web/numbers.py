"""How numbers, dates and moments are written on a page; what is missing is “–”."""

from datetime import date, datetime

from fleetcast import gate

MISSING = "–"
SPACE = "\u00a0"  # between a number and its unit, so that a line never ends there


def whole(value: float | None) -> str:
    """A count, or an order.

    >>> whole(5000), whole(None)
    ('5,000', '–')
    """
    return MISSING if value is None else _signed(f"{value:,.0f}")


def units(value: float | None) -> str:
    """Units per week.

    >>> units(1234.56)
    '1,234.6'
    """
    return MISSING if value is None else _signed(f"{value:,.1f}")


def error(value: float | None) -> str:
    """An error in units per week, such as a root of mean squares.

    >>> error(3.163)
    '3.16'
    """
    return MISSING if value is None else f"{value:,.2f}"


def percent(value: float | None, *, beside: float | None = None) -> str:
    """A fraction in percent; beside a limit with as many decimals as keep it on its own side.

    >>> percent(0.452).replace(SPACE, " "), percent(0.45004, beside=0.45).replace(SPACE, " ")
    ('45.2 %', '45.004 %')
    """
    if value is None:
        return MISSING
    if beside is not None and value != beside:
        return gate.percent(value, beside=beside).replace(" ", SPACE)
    return f"{_signed(f'{value * 100:.1f}')}{SPACE}%"


def bias(value: float | None, limit: float) -> str:
    """A bias with its sign, on its own side of a limit that holds both ways.

    >>> bias(0.15004, 0.15).replace(SPACE, " "), bias(-0.2, 0.15).replace(SPACE, " ")
    ('+15.004 %', '−20.0 %')
    """
    if value is None or value == 0:
        return percent(value)
    return ("−" if value < 0 else "+") + percent(abs(value), beside=limit)


def points(value: float | None) -> str:
    """A difference of two fractions, in percentage points.

    >>> points(-0.0312).replace(SPACE, " "), points(0.0).replace(SPACE, " ")
    ('−3.1 pp', '0.0 pp')
    """
    if value is None:
        return MISSING
    shown = f"{value * 100:+.1f}"
    return f"{_signed('0.0' if float(shown) == 0 else shown)}{SPACE}pp"


def change(value: float | None) -> str:
    """How many more or fewer, with its sign.

    >>> change(3.0), change(-12.0), change(0.0)
    ('+3', '−12', '0')
    """
    if value is None:
        return MISSING
    shown = f"{value:+,.0f}"
    return "0" if shown in {"+0", "-0"} else _signed(shown)


def difference(value: float | None) -> str:
    """A difference of two errors in units, with its sign.

    >>> difference(0.126), difference(-2.0), difference(-0.001)
    ('+0.13', '−2.00', '0.00')
    """
    if value is None:
        return MISSING
    shown = f"{value:+,.2f}"
    return "0.00" if float(shown.replace(",", "")) == 0 else _signed(shown)


def days(value: float | None, *, beside: float | None = None) -> str:
    """A model's age; beside a limit with a decimal where it would land on it.

    >>> days(66.2).replace(SPACE, " "), days(60.4, beside=60).replace(SPACE, " ")
    ('66 d', '60.4 d')
    """
    if value is None:
        return MISSING
    lands = beside is not None and round(value) == beside and value != beside
    return f"{value:.1f}{SPACE}d" if lands else f"{value:.0f}{SPACE}d"


def duration(seconds: float | None) -> str:
    """How long something took, in the two largest units.

    >>> [duration(value).replace(SPACE, " ") for value in (0.42, 61, 7260)]
    ['0.4 s', '1 min 1 s', '2 h 1 min']
    """
    if seconds is None:
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f}{SPACE}s" if 0 < seconds < 10 else f"{seconds:.0f}{SPACE}s"
    whole = round(seconds)
    (large, unit), (small, below) = (
        ((whole // 60, "min"), (whole % 60, "s"))
        if whole < 3600
        else ((whole // 3600, "h"), (whole % 3600 // 60, "min"))
    )
    rest = f" {small} {below}" if small else ""
    return f"{large:,} {unit}{rest}".replace(" ", SPACE)


def day(value: date | None) -> str:
    """
    >>> day(date(2026, 11, 16)).replace(SPACE, " ")
    '16 Nov 2026'
    """
    return MISSING if value is None else f"{value.day} {value:%b %Y}".replace(" ", SPACE)


def moment(value: datetime | None) -> str:
    """
    >>> moment(datetime(2026, 11, 18, 9, 5)).replace(SPACE, " ")
    '18 Nov 2026 09:05 UTC'
    """
    return MISSING if value is None else f"{day(value)} {value:%H:%M} UTC".replace(" ", SPACE)


def octets(value: float) -> str:
    """A size of files, in bytes and their decimal multiples.

    >>> octets(512).replace(SPACE, " "), octets(2_340_000).replace(SPACE, " ")
    ('512 B', '2.3 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f}{SPACE}{unit}" if unit == "B" else f"{value:.1f}{SPACE}{unit}"
        value /= 1000
    return f"{value:,.1f}{SPACE}TB"


def _signed(text: str) -> str:
    """With a minus as long as a plus, and never on a nought."""
    if text.startswith("-") and not text.strip("-0.,"):
        return text[1:]
    return text.replace("-", "−", 1)
