"""The scoring service: a question as plain values, within limits, and its answer as plain values.

What a server mounts: it knows who asks and which regions they may see, and this knows the rest.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.week import is_week, monday
from fleetcast.fleet.scorer import Scorer
from fleetcast.fleet.what_if import Question

FIELDS = ("stores", "products", "weeks", "suppose", "release")
SERIES = 500  # that are named in one question
STORES = 20  # whose whole range is asked about in one question
WEEKS = 60
SUPPOSED = 10  # columns
LENGTH = 200  # characters of a name


def answered(
    scorer: Scorer, asked: Mapping[str, Any], *, regions: Collection[str] | None = None
) -> dict[str, Any]:
    """The answer to a question: `{"stores": […], "products": […], "weeks": ["2026-11-30"], "suppose": {"price": 2.49}}`.

    Only `stores` has to be there. UsageError where the question is none, is too large, or asks for what is not there;
    `regions` are those that whoever asks may see, None: all.
    """
    answer = asdict(scorer.ask(question(asked), regions=regions))
    rows = [{**row, "week": row["week"].isoformat()} for row in answer["rows"]]
    return {**answer, "cycle": answer["cycle"].isoformat(), "rows": rows}


def question(asked: Mapping[str, Any]) -> Question:
    """The question that plain values ask."""
    if unknown := sorted(set(asked) - set(FIELDS)):
        raise UsageError(f"a question has no {unknown[0]!r}; it has {some(FIELDS, like=unknown[0], most=5)}")
    stores, products = (_names(asked.get(name, []), name) for name in ("stores", "products"))
    if not products and len(stores) > STORES:
        raise UsageError(
            f"{len(stores)} whole stores are more than {STORES} at once; ask about fewer, or name products"
        )
    if len(stores) * len(products) > SERIES:
        raise UsageError(
            f"{len(stores) * len(products)} series are more than {SERIES} at once; ask several times"
        )
    release = asked.get("release")
    return Question(
        stores,
        products,
        tuple(_week(text) for text in _names(asked.get("weeks", []), "weeks", most=WEEKS)),
        _supposed(asked.get("suppose", {})),
        None if release is None else _names([release], "release")[0],
    )


def _names(value: object, field: str, *, most: int = SERIES) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
        raise UsageError(f"{field} is a list of names; write texts in brackets")
    if len(value) > most or any(len(one) > LENGTH for one in value):
        raise UsageError(f"{field} has more than {most} names, or one of more than {LENGTH} characters")
    return tuple(value)


def _week(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date; write it like 2026-11-16") from None
    if not is_week(day):
        raise UsageError(f"{day} is no Monday, and a week is named by its Monday: {monday(day)}")
    return day


def _supposed(value: object) -> dict[str, float]:
    numbers = isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(number, int | float) and not isinstance(number, bool)
        for name, number in value.items()
    )
    if not isinstance(value, Mapping) or not numbers:
        raise UsageError('suppose says numbers by column, like {"price": 2.49}')
    if len(value) > SUPPOSED:
        raise UsageError(f"{len(value)} columns are more than {SUPPOSED} at once; suppose fewer")
    return {name: float(number) for name, number in value.items()}
