"""What each column of a raw file means, found out by conditioning it; and its rows with all of that replaced."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd

import polars as pl

from fleetcast.settings import ColumnSettings, CovariateSettings, SourceSettings
from fleetcast.sources.pseudonyms import Pseudonyms, Secret

Tables = Mapping[str, pl.DataFrame]
Condition = Callable[[pl.DataFrame], Tables]

# Columns of conditioned tables that name something, and what kind of thing.
KINDS = {
    "store": "store",
    "product": "product",
    "replaces": "product",
    "region": "region",
    "scope": "region",
    "category": "category",
    "cluster": "cluster",
    "event": "event",
    "postal_code": "postal_code",
}
UNITS = {"delivered", "returned", "capacity", "minimum_drop"}
MONEY = {"margin", "return_cost"}
PLACE = re.compile(r"(?i)(?:lat|lon|lng|latitude|longitude|x|y)")
WORD = (r"[\s/]+", "-")  # how names become one word, as those that segments are keyed by have to be
TRIED = 500  # rows that the meaning of columns is tried on
KEPT = "kept"  # a date, a flag, a count of pieces
CODE = "code"  # text that the conditioner reads and no table names: it stays, and is told
DROPPED = "dropped"  # nothing depends on it
EMPTY = "-"
NOBODY = {"all", EMPTY}  # that stand where a name could, and name nothing


@dataclass(frozen=True)
class Layout:
    """What the columns of a source mean: a kind of name, units, money, amount, place, code, kept or dropped."""

    meanings: Mapping[str, str]
    unnamed: frozenset[str]  # kinds that its tables name, by names that stand so in none of its columns


def layout(
    rows: pl.DataFrame,
    condition: Condition,
    settings: SourceSettings,
    covariates: Mapping[str, CovariateSettings],
) -> Layout:
    """Find out what the columns of a source mean, by what comes out when one of them is changed."""
    rows = rows.head(TRIED)
    tables = condition(rows)
    meanings: dict[str, str] = {}
    for name, column in settings.columns.items():
        meanings[name] = _names(rows, name, tables) or _meaning(
            rows, name, column, condition, tables, covariates
        )
    named = {
        KINDS[column]
        for frame in tables.values()
        for column in frame.columns
        if column in KINDS and set(frame[column].drop_nulls()) - NOBODY
    }
    return Layout(meanings, frozenset(named - set(meanings.values())))


def _names(rows: pl.DataFrame, column: str, tables: Tables) -> str | None:
    """The kind that a column names: its values stand in a table just as they are, or written as one word."""
    if not (rows[column].dtype == pl.String or rows[column].dtype.is_integer()):
        return None
    raw = rows.select("line", pl.col(column).cast(pl.String).alias("_raw"))
    for frame in tables.values():
        both = frame.join(raw, on="line", how="inner")
        for name in (name for name in frame.columns if name in KINDS):
            known = both.filter(pl.col(name).is_not_null() & ~pl.col(name).is_in(sorted(NOBODY)))
            stands = (known[name] == known["_raw"]) | (known[name] == known["_raw"].str.replace_all(*WORD))
            if known.height and stands.fill_null(value=False).all():
                return KINDS[name]
    return None


def _meaning(
    rows: pl.DataFrame,
    name: str,
    column: ColumnSettings,
    condition: Condition,
    tables: Tables,
    covariates: Mapping[str, CovariateSettings],
) -> str:
    if column.type == "text":
        changed = _effect(rows.with_columns(pl.lit(EMPTY).alias(name)), condition, tables)
        texts = {(table, text) for table, spec in covariates.items() for text in spec.texts}
        return DROPPED if changed <= texts else CODE
    if column.type not in ("number", "integer"):
        return KEPT
    if PLACE.fullmatch(name):
        return "place"
    changed = _effect(rows.with_columns((pl.col(name) * 2).alias(name)), condition, tables)
    outcomes = {outcome for _, outcome in changed}
    if outcomes & UNITS:
        return "units"
    if outcomes & MONEY or any(name in covariates[t].log for t, name in changed if t in covariates):
        return "money"
    flags = set(rows[name].drop_nulls()) <= {0, 1}
    return KEPT if column.type == "integer" or flags else "amount"


def _effect(changed: pl.DataFrame, condition: Condition, before: Tables) -> set[tuple[str, str]]:
    """Table and column of everything that comes out otherwise; all of them when other rows do."""
    everything = {(table, column) for table, frame in before.items() for column in frame.columns}
    try:
        after = condition(changed)
    except Exception:  # noqa: BLE001 — the user's function on rows it was not written for: it depends on them
        return everything
    if {table: frame.height for table, frame in after.items()} != {t: f.height for t, f in before.items()}:
        return everything
    return {
        (table, column)
        for table, frame in before.items()
        for column in frame.columns
        if not frame[column].equals(after[table][column], null_equal=True)
    }


Draw = Callable[[float, tuple[object, ...], str, int, int], float]  # value, whose, column, grain, decimals


@dataclass(frozen=True)
class Obscuring:
    """What rows are obscured with; `shown` are kinds whose names stay, since some conditioner makes them up itself."""

    secret: Secret
    pseudonyms: Pseudonyms
    shown: frozenset[str]

    def rows(
        self,
        rows: pl.DataFrame,
        about: pl.DataFrame,
        meanings: Mapping[str, str],
        settings: SourceSettings,
        source: str,
    ) -> pl.DataFrame:
        """The rows with everything replaced that their columns mean; `about` says of each its store, product and week."""
        for name, column in settings.columns.items():
            meaning = meanings[name]
            values = rows[name]
            if meaning in self.pseudonyms.kinds and meaning not in self.shown:
                values = _named(values, self.pseudonyms.of_kind(meaning))
            elif meaning == DROPPED:
                values = pl.Series([None if column.optional else EMPTY], dtype=pl.String).new_from_index(
                    0, len(rows)
                )
            elif meaning in ("units", "money", "amount", "place"):
                drawn = pl.Series(self._numbers(values, meaning, about, f"{source}.{name}"), dtype=pl.Float64)
                values = drawn.clip(column.minimum, column.maximum).cast(values.dtype)
            rows = rows.with_columns(values.alias(name))
        return rows

    def _numbers(self, values: pl.Series, meaning: str, about: pl.DataFrame, name: str) -> list[float | None]:
        drawing: dict[str, Draw] = {
            "units": self._units,
            "money": self._money,
            "amount": self._amount,
            "place": self._place,
        }
        draw = drawing[meaning]
        step, decimals = _grain(values)
        keys = about.iter_rows()
        return [
            None if value is None else draw(float(value), key, name, step, decimals)
            for value, key in zip(values, keys, strict=True)
        ]

    def _units(self, value: float, key: tuple[object, ...], _: str, step: int, decimals: int) -> float:
        """By the product's hidden factor and a jitter of the series' week, the same in whatever file that week stands."""
        scaled = value * self.secret.factor("units", key[1]) * self.secret.noise("units", *key)
        return float(step * self.secret.rounded(scaled / step, *key)) if step else round(scaled, decimals)

    def _money(self, value: float, key: tuple[object, ...], _: str, step: int, decimals: int) -> float:
        scaled = value * self.secret.factor("money") * self.secret.noise("money", key[1])
        return round(scaled, 2 if step else max(2, decimals))

    def _amount(self, value: float, key: tuple[object, ...], name: str, step: int, decimals: int) -> float:
        return round(value * self.secret.noise(name, value, *key), 1 if step else decimals)

    def _place(self, value: float, key: tuple[object, ...], name: str, _: int, __: int) -> float:
        """Somewhere else, the same for the same place."""
        return round(-60 + 120 * self.secret.chance(name, value, *key), 4)


def _grain(values: pl.Series) -> tuple[int, int]:
    """The number that all values are multiples of, 0 where they are no whole ones; and how many decimals they have."""
    known = [float(value) for value in values if value is not None]
    if all(value.is_integer() for value in known):
        return reduce(gcd, (int(value) for value in known), 0) or 1, 0
    return 0, min(4, max(len(repr(value).partition(".")[2]) for value in known))


def _named(values: pl.Series, given: Mapping[str, str]) -> pl.Series:
    real = [None if value is None else str(value) for value in values]
    drawn = [text and given.get(text, given.get(re.sub(*WORD, text), text)) for text in real]
    return pl.Series(drawn, dtype=pl.String).cast(values.dtype)
