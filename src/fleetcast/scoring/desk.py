"""The desk of a partition: its models borrowed from the registry, and what each of them says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.models import INTERVALS, Dumped
from fleetcast.domain.reach import Reach, called
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.models import recipes
from fleetcast.models.recipes import Fitted
from fleetcast.registry.manifest import Manifest, Member, Reference
from fleetcast.registry.store import Registry
from fleetcast.scoring.forecasting import NOTHING, Units, average, forecasts

WITHOUT_POOL = "without_pool"  # the champion forecast with its own members only


@dataclass
class Desk:
    """The models of one partition and reach at work; whatever cannot be loaded is remembered with its error."""

    panel: Panel
    design: Design
    manifest: Manifest
    registry: Registry
    reach: Reach = "short-term"
    failed: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, Dumped] = field(default_factory=dict)

    @cached_property
    def ahead(self) -> Examples:
        """What is asked of all series of the panel."""
        return self.design.ahead()

    @cached_property
    def members(self) -> dict[str, Member]:
        return self.manifest.reaching(self.reach)

    def champions(self, distrusted: Collection[str]) -> pl.DataFrame:
        """What the release's ensembles say, segment by segment."""
        here = set(self.panel.series["segment"].unique())
        chosen = {
            segment: member
            for segment, member in self.members.items()
            if member.serving == "ensemble" and segment not in distrusted and segment in here
        }
        return self._said(chosen)

    def last_known_good(self, segments: set[str]) -> pl.DataFrame:
        """What the ensembles before them say, for segments whose champion does not serve."""
        found = {
            segment: self.registry.releases.last_known_good(called(segment, self.reach))
            for segment in sorted(segments)
        }
        return self._said({segment: member for segment, member in found.items() if member is not None})

    def baselines(self) -> pl.DataFrame:
        """What the historical averages say, for every series."""
        frames = [NOTHING]
        here = set(self.panel.series["baseline"])
        wanted = {name: model for name, model in self.manifest.baselines.items() if name in here}
        self._load([part for r in wanted.values() for part in (r, _beside(r, INTERVALS["alone"]))])
        for name, reference in wanted.items():
            models = self._load([reference, _beside(reference, INTERVALS["alone"])])
            if len(models) == 2:
                frames.append(average(self.panel, name, *models, version=reference.model))
        return pl.concat(frames)

    def _said(self, members: Mapping[str, Member]) -> pl.DataFrame:
        frames = [NOTHING]
        self._load([part for m in members.values() for part in (m, _beside(m, INTERVALS["alone"]))])
        for segment, member in members.items():
            models = self._load([member, _beside(member, INTERVALS["alone"])])
            if len(models) == 2:
                frames.append(self._forecast(segment, member, *models))
        return pl.concat(frames)

    def _forecast(self, segment: str, member: Member, model: Dumped, alone: Dumped) -> pl.DataFrame:
        """What an ensemble says, in the form that it can still take; `alone` are the intervals of its own members."""
        examples = self.ahead.take(self._here(segment)[self.ahead.row])
        try:
            own: Fitted = recipes.load(model)
            units = self._with_pool(member, own, examples)
            if units is not None:
                held = self._load([_beside(member, INTERVALS["pooled"])])
                intervals = held[0] if held else alone
            else:
                units, intervals = own.predict(examples), alone
            return forecasts(self.panel, examples, units, version=member.model, intervals=intervals)
        except FAILURES as error:  # as a model of an older feature spec, that cannot be used here
            self.failed[member.model] = told(error)
            return NOTHING

    def _with_pool(self, member: Member, own: Fitted, examples: Examples) -> Units | None:
        """What an ensemble says with its pool; None where it has none, or has lost it."""
        if member.pool is None or not (lent := self._load([member.pool])):
            return None
        try:
            return own.with_pool(recipes.load(lent[0])).predict(examples)
        except FAILURES as error:
            own.predict(examples)  # fails too where it is not the pool's fault
            self.failed[member.pool.model] = told(error)
            return None

    @property
    def incomplete(self) -> dict[str, str]:
        """Segments whose champion could not forecast with all of its members, with the code of what it lacked."""
        return {
            segment: WITHOUT_POOL
            for segment, member in self.members.items()
            if member.pool is not None and member.pool.model in self.failed
        }

    def lost(self, member: Member) -> bool:
        """Whether a model that was asked for cannot be used, or has no intervals to go with it."""
        return not {member.model, _beside(member, INTERVALS["alone"]).model}.isdisjoint(self.failed)

    def _load(self, references: list[Member | Reference]) -> list[Dumped]:
        """Those that can be loaded; each is loaded once, and all that are asked for together from one reading of their pack."""
        names = [reference.model for reference in references]
        new = [one for one in references if one.model not in self.loaded and one.model not in self.failed]
        found = self.registry.load(new)
        self.failed |= found.failed
        self.loaded |= found.models
        return [self.loaded[name] for name in names if name in self.loaded]

    def _here(self, segment: str) -> Any:
        return (self.panel.series["segment"] == segment).to_numpy()


def _beside(reference: Member | Reference, what: str) -> Reference:
    """The other parts of a model lie in the same pack, under its segment's name and theirs."""
    return Reference(f"{reference.model}#{what}", reference.artefact, f"{reference.key}#{what}")
