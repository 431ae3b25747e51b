"""Figures as people read them: 5,000; 45.2 %; +3.1 %; 16 Nov 2026; a dash where there is none."""

from collections.abc import Iterable, Sequence
from datetime import date

NONE = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FINEST = 9  # decimals; finer than any difference a gate can see


def count(value: int | None) -> str:
    """
    >>> count(67200)
    '67,200'
    """
    return NONE if value is None else f"{value:,}"


def counted(number: int, noun: str) -> str:
    """
    >>> counted(1, "window"), counted(1200, "window")
    ('1 window', '1,200 windows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(value: float | None, *, gates: Iterable[float] = (), signed: bool = False) -> str:
    """A fraction in percent with one decimal; more where one would round it onto or across one of its gates.

    >>> share(0.4523), share(0.45004, gates=[0.45]), share(-0.0821, signed=True), share(None)
    ('45.2 %', '45.004 %', '−8.2 %', '–')
    """
    if value is None or value != value:
        return NONE
    return f"{figure(value * 100, 1, gates=[gate * 100 for gate in gates], signed=signed)} %"


def figure(value: float, decimals: int, *, gates: Sequence[float] = (), signed: bool = False) -> str:
    """A number with so many decimals; more where these would round it onto or across one of its gates.

    >>> figure(0.1001, 3, gates=[0.1]), figure(-0.2496, 2, gates=[0.25, -0.25], signed=True), figure(0.3, 2, gates=[0.25])
    ('0.1001', '−0.2496', '0.30')
    """
    enough = next((d for d in range(decimals, _FINEST) if _tells(value, d, gates)), _FINEST)
    text = f"{value:+,.{enough}f}" if signed else f"{value:,.{enough}f}"
    return text.replace("-", "−")


def _tells(value: float, decimals: int, gates: Iterable[float]) -> bool:
    """Whether the rounded figure stands on the same side of every gate as the true one."""
    rounded = round(value, decimals)
    return all(_side(rounded, gate) == _side(value, gate) for gate in gates)


def _side(value: float, gate: float) -> int:
    gap = value - gate
    return 0 if abs(gap) < 1e-9 else (1 if gap > 0 else -1)  # 1e-9: what 0.45 × 100 loses in binary


def number(value: float | None) -> str:
    """Units, with one decimal.

    >>> number(1234.56)
    '1,234.6'
    """
    return NONE if value is None or value != value else f"{value:,.1f}".replace("-", "−")


def day(value: date | None) -> str:
    """
    >>> day(date(2026, 11, 16))
    '16 Nov 2026'
    """
    return NONE if value is None else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def duration(seconds: float) -> str:
    """
    >>> duration(8.26), duration(252.0), duration(7261)
    ('8.3 s', '4 min 12 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // 60
    return f"{minutes} min {int(seconds) % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def short(digest: str | None) -> str:
    """The first twelve characters of a digest: enough to tell two apart, and accepted wherever a digest is asked for."""
    return NONE if not digest else digest[:12]
