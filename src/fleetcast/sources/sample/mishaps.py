"""What becomes of the retailer's files on their way: the week's letters, with the troubles that struck them."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK, label
from fleetcast.sources.sample.mail import Letter, opening, weekly
from fleetcast.sources.sample.retailer import Retailer
from fleetcast.sources.sample.troubles import WEATHER, Trouble

SETTLED = 4  # weeks after its end, a stretch of weeks is restated
UNDERSTATED = 8  # one delivery in so many, by a quarter

Spoil = Callable[[bytes], bytes]


def letters(
    retailer: Retailer, week: date, troubles: Collection[Trouble], *, first: bool = False
) -> list[Letter]:
    """What comes in, in a week; in the `first` one, all that came before it too."""
    sent = opening(retailer, week) if first else weekly(retailer, week)
    for trouble in troubles:
        strike = STRIKES.get(trouble.kind)
        sent = strike(sent, trouble, retailer, week) if strike else sent
    return sent


def _late(sent: list[Letter], trouble: Trouble, retailer: Retailer, week: date) -> list[Letter]:
    """Nothing comes in its week, and everything `weeks` later."""
    sent = _missing(sent, replace(trouble, weeks=1), retailer, week)
    return sent + _again(trouble, retailer, week, count=1)


def _missing(sent: list[Letter], trouble: Trouble, retailer: Retailer, week: date) -> list[Letter]:  # noqa: ARG001 — as all of them
    """Nothing comes while it lasts, nor afterwards."""
    struck = trouble.week <= week <= trouble.last
    return [letter for letter in sent if not (struck and _concerned(letter, trouble))]


def _spoiled(sent: list[Letter], trouble: Trouble, retailer: Retailer, week: date) -> list[Letter]:
    """What comes in while it lasts cannot be used; when it is mended, the same comes again."""
    if trouble.week <= week <= trouble.last:
        spoil = SPOILS[trouble.way]
        sent = [_written(letter, spoil) if _concerned(letter, trouble) else letter for letter in sent]
    return sent + _again(trouble, retailer, week, count=trouble.weeks)


def _corrected(sent: list[Letter], trouble: Trouble, retailer: Retailer, week: date) -> list[Letter]:
    """Some weeks are told a little too low, and restated in the week of the trouble."""
    until = trouble.week - (SETTLED + 1) * WEEK
    since = until - (trouble.weeks - 1) * WEEK
    told = [_understated(letter, since, until) if _concerned(letter, trouble) else letter for letter in sent]
    if week != trouble.week:
        return told
    right = [letter for letter in opening(retailer, week) if _concerned(letter, trouble)]
    stamp = f"{label(since)}_to_{label(until)}_corrected"
    return told + [_between(letter, since, until, stamp, week) for letter in right]


STRIKES = {
    "late": _late,
    "missing": _missing,
    "no_weather": _missing,
    "corrupted": _spoiled,
    "schema": _spoiled,
    "corrected": _corrected,
}


def _concerned(letter: Letter, trouble: Trouble) -> bool:
    return letter.source in (WEATHER if trouble.kind == "no_weather" else (trouble.subject,))


def _again(trouble: Trouble, retailer: Retailer, week: date, *, count: int) -> list[Letter]:
    """In the week after it lasted, the letters of its first `count` weeks, as they should have been."""
    if week != trouble.week + trouble.weeks * WEEK:
        return []
    missed = [letter for n in range(count) for letter in weekly(retailer, trouble.week + n * WEEK)]
    return [letter for letter in missed if _concerned(letter, trouble)]


def _written(letter: Letter, spoil: Spoil) -> Letter:
    return replace(letter, write=lambda rows: spoil(letter.write(rows)))


def _understated(letter: Letter, since: date, until: date) -> Letter:
    wrong = pl.col("week").is_between(since, until) & (pl.int_range(pl.len()) % UNDERSTATED == 0)
    less = (pl.col("delivered") * 3 // 4).clip(lower_bound=1)
    told = pl.when(wrong).then(less).otherwise("delivered").alias("delivered")
    return replace(letter, rows=letter.rows.with_columns(told))


def _between(letter: Letter, since: date, until: date, stamp: str, week: date) -> Letter:
    rows = letter.rows.filter(pl.col("week").is_between(since, until))
    return replace(letter, rows=rows, name=letter.name.replace(f"until_{label(week)}", stamp))


# ---------------------------------------------------------------- ways to spoil a file


def _truncated(content: bytes) -> bytes:
    """The line broke after three fifths of it, within a row."""
    rest = content[: len(content) * 3 // 5].rstrip()
    return rest[: rest.rfind(b"\n") + 4]


def _garbage(content: bytes) -> bytes:
    return np.random.default_rng(len(content)).bytes(len(content))


def _miscoded(content: bytes) -> bytes:
    """Saved as Unicode text by an office program."""
    return content.decode("latin-1").encode("utf-16")


def _renamed(content: bytes) -> bytes:
    """The last column has another name."""
    header, rest = content.split(b"\n", 1)
    return header.rstrip(b"\r") + b" (new)" + header[len(header.rstrip(b"\r")) :] + b"\n" + rest


def _dropped(content: bytes) -> bytes:
    """The last column is not there."""
    mark = max((b",", b";", b"\t"), key=content.split(b"\n", 1)[0].count)
    return b"\n".join(line.rpartition(mark)[0] for line in content.split(b"\n"))


SPOILS: dict[str, Spoil] = {
    "truncated": _truncated,
    "garbage": _garbage,
    "encoding": _miscoded,
    "renamed": _renamed,
    "dropped": _dropped,
}
