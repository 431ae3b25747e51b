"""What a source brought: rows in against rows out, and file by file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """What one file of a source brought: rows, of which some were quarantined; or why it was `refused` whole, in a code."""

    file: str
    received: str  # ISO, UTC
    initial: bool
    rows: int
    quarantined: int
    refused: str = ""


@dataclass(frozen=True)
class Account:
    """Conservation of one source: rows in = accepted + quarantined + identical duplicates.

    Rows are lines of the raw files; `refused` files could not be read at all and count no rows. `deliveries` says it
    file by file, `tables` which ones it fills, and `weeks` how many accepted rows each of its newest weeks has, by
    partition ("all" where no store is named). `until` is the last day that rows tell of as past, as an ISO date; None where
    no row has a date.
    """

    source: str
    files: int
    refused: int
    rows: int
    accepted: int
    quarantined: int
    duplicates: int
    until: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    weeks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, Any]:
        """Its name and numbers alone."""
        return {name: getattr(self, name) for name in list(self.__dataclass_fields__)[:7]}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Account":
        """As it was kept, JSON by now."""
        deliveries = tuple(Delivery(**one) for one in body.get("deliveries", ()))
        return cls(**{**body, "deliveries": deliveries})
