"""The training ledger: all that was conditioned was fitted, or left out for a coded reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fleetcast.domain.errors import DataError
from fleetcast.features.design import Design
from fleetcast.features.panel import Panel
from fleetcast.rounds.subject import Subject


@dataclass(frozen=True, slots=True)
class Conditioned:
    """What the lake holds of a subject's demand: its rows, and the units they sum to."""

    rows: int
    units: float


def account(subject: Subject, now: Design, conditioned: Conditioned) -> dict[str, int]:
    """The ledger of a training at the cutoff of `now`; DataError when it does not close."""
    ledger = now.ledger(rows=subject.rows(now.panel), first=subject.first(now.panel))
    ledger |= {"conditioned": conditioned.rows}
    check_ledger(subject.name, ledger)
    _check_units(subject, now.panel, conditioned)
    return ledger


def check_ledger(name: str, ledger: Mapping[str, int]) -> None:
    """DataError when somebody was trained on other rows than were conditioned: fitted + excluded must be all."""
    accounted = sum(count for reason, count in ledger.items() if reason != "conditioned")
    if accounted != ledger["conditioned"]:
        raise DataError(
            f"the training ledger of {name} does not close: {ledger['conditioned']} rows were conditioned, but "
            f"{accounted} were fitted or excluded for a reason; nothing trained on them may be released"
        )


def _check_units(subject: Subject, panel: Panel, conditioned: Conditioned) -> None:
    """Rows that were lost where an absent week means zero leave no gap, but they leave fewer units."""
    units = float(np.nansum(panel.own_units(subject.rows(panel))))
    if not np.isclose(units, conditioned.units, rtol=1e-9, atol=1e-6):
        raise DataError(
            f"the training ledger of {subject.name} does not close: {conditioned.units:.1f} units were conditioned, but "
            f"{units:.1f} came to be trained on; nothing trained on them may be released"
        )
