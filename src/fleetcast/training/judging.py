"""The verdict on a segment's challenger: each form it could serve in is judged, and one of them is chosen."""

from collections.abc import Mapping

import polars as pl

from fleetcast import gate
from fleetcast.choice import choose, compared
from fleetcast.domain.models import Form
from fleetcast.settings import GateSettings


def judged(
    rounds: Mapping[str, pl.DataFrame],
    forms: Mapping[Form, str],
    champion: str | None,
    *,
    newest: int,
    settings: GateSettings,
    mover: str | None,
    seed: int,
) -> dict[str, object]:
    """The verdict on the chosen form; where there are two, with the `choice`.

    `rounds` are the segment's with what was sold, by recipe: each form is judged by its `newest`. `forms` and `champion`
    name theirs by id. A champion of the same rounds as a form is that form, trained earlier: it shares them, and so there
    is nothing to be inferior to.
    """
    of = {form: _newest(rounds[recipe], newest) for form, recipe in forms.items()}
    before = rounds[champion] if champion is not None else None
    verdicts = {
        form: gate.judge(
            of[form], None if recipe == champion else before, settings=settings, mover=mover, seed=seed
        )
        for form, recipe in forms.items()
    }
    if len(forms) == 1:
        (verdict,) = verdicts.values()
        return verdict.as_dict()
    choice = choose(
        compared(of["pooled"], of["alone"], seed=seed),
        passed={form: verdict.passed for form, verdict in verdicts.items()},
        serving=next((form for form, recipe in forms.items() if recipe == champion), None),
    )
    return verdicts[choice.form].as_dict() | {"choice": choice.as_dict()}


def _newest(rounds: pl.DataFrame, count: int) -> pl.DataFrame:
    """The rows of the newest origins."""
    return rounds.filter(pl.col("origin").is_in(rounds["origin"].unique().sort().tail(count).implode()))
