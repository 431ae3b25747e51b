"""May a challenger that was a shadow become champion? A rule over what was found, as the gate's is over rounds."""

from collections.abc import Iterator
from dataclasses import dataclass

from fleetcast.domain.shadows import Answer
from fleetcast.gate import percent
from fleetcast.settings import GateSettings, ShadowSettings
from fleetcast.shadow.comparing import Comparison, Difference, Line
from fleetcast.shadow.rows import Labels

SAID = {"promote": "promote", "keep": "keep the champion", "inconclusive": "inconclusive"}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and why, in words."""

    answer: Answer
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{SAID[self.answer]}: {'; '.join(self.reasons)}"


def decide(found: Comparison, labels: Labels, *, settings: ShadowSettings, gate: GateSettings) -> Decision:
    """Promote a challenger that is not inferior, keep the champion over one that is; in between, nobody can say.

    Inferior: the whole 90 % interval of a difference is beyond its margin. Not inferior: none of it is.
    """
    total, judged = found.total, list(_judged(found.total, settings))
    if unknown := [*_unknown(total, labels, settings)]:
        return Decision("inconclusive", tuple(unknown))
    worse = [one.text for one in judged if one.inferior]
    if worse := [*worse, *_biased(total, gate), *_segments(found, settings)]:
        return Decision("keep", tuple(worse))
    if unsure := [one.text for one in judged if not one.not_inferior]:
        return Decision("inconclusive", tuple(unsure))
    return Decision("promote", tuple(one.text for one in judged))


def worse_segments(found: Comparison, settings: ShadowSettings) -> list[str]:
    """The segments in which the challenger is inferior."""
    return [
        name for name, line in found.segments.items() if any(one.inferior for one in _judged(line, settings))
    ]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A difference that counts, the margin it is allowed, and both in words."""

    found: Difference
    margin: float
    text: str

    @property
    def inferior(self) -> bool:
        return self.found.low is not None and self.found.low > self.margin

    @property
    def not_inferior(self) -> bool:
        return self.found.high is not None and self.found.high <= self.margin


def _judged(line: Line, settings: ShadowSettings) -> Iterator[_Judged]:
    """MAPE, and money where orders could be priced."""
    if line.mape.value is not None:
        yield _Judged(line.mape, settings.noninferiority, _errors(line.mape, settings.noninferiority))
    if line.cost.value is not None and line.cost.champion is not None:
        margin = settings.cost * line.cost.champion
        yield _Judged(line.cost, margin, _money(line.cost, margin))


def _unknown(total: Line, labels: Labels, settings: ShadowSettings) -> Iterator[str]:
    if total.weeks < settings.minimum_weeks:
        yield f"{total.weeks} weeks of known demand < {settings.minimum_weeks}"
    if labels.shared < settings.coverage:
        said = percent(labels.shared, beside=settings.coverage)
        yield f"it has forecast {said} of the published rows < {percent(settings.coverage)}"
    if labels.coverage < settings.coverage:
        said = percent(labels.coverage, beside=settings.coverage)
        yield f"the demand of {said} of its rows is known < {percent(settings.coverage)}"
    if total.mape.low is None:
        yield "the difference of MAPE has no interval: fewer than two weeks sold anything"


def _biased(total: Line, gate: GateSettings) -> Iterator[str]:
    """Beyond the gate's limit, and beyond the champion's own bias."""
    ours, theirs = total.bias.challenger, total.bias.champion
    if ours is not None and abs(ours) > max(gate.bias, abs(theirs or 0.0)):
        yield f"bias {_signed(ours)} outside ±{percent(gate.bias)}"


def _segments(found: Comparison, settings: ShadowSettings) -> Iterator[str]:
    worse = worse_segments(found, settings)
    if len(worse) > settings.worse_segments * len(found.segments):
        named = ", ".join(worse[:3]) + (" …" if len(worse) > 3 else "")
        yield f"it is worse in {len(worse)} of {len(found.segments)} segments ({named})"


def _errors(found: Difference, margin: float) -> str:
    challenger, champion = (percent(round(one or 0.0, 4)) for one in (found.challenger, found.champion))
    value, low, high, most = (_points(one) for one in (found.value, found.low, found.high, margin))
    return f"MAPE {challenger} against {champion}: {value} points ({low} to {high}; margin {most})"


def _money(found: Difference, margin: float) -> str:
    challenger, champion = (_amount(one, "") for one in (found.challenger, found.champion))
    value, low, high, most = (_amount(one) for one in (found.value, found.low, found.high, margin))
    return f"money lost on orders {challenger} against {champion}: {value} ({low} to {high}; margin {most})"


def _points(value: float | None) -> str:
    return "–" if value is None else _signed(value).removesuffix(" %")


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{percent(round(value, 4))}"


def _amount(value: float | None, sign: str = "+") -> str:
    return "–" if value is None else f"{round(value):{sign},}".replace("-", "−")
