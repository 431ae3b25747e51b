"""The segments of a partition on their way through the rounds together: each view is made once, for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import polars as pl

from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.reach import called
from fleetcast.models.baseline import Sold
from fleetcast.telemetry import get_logger
from fleetcast.training.account import Conditioned
from fleetcast.training.fitting import FittedSegment, Walking, averages_of
from fleetcast.training.task import TrainingTask
from fleetcast.training.views import Views

log = get_logger()


class Together:
    """What fails a segment is noted in `failed`, by the segment's name in its reach, and the others go on."""

    def __init__(self, task: TrainingTask, views: Views) -> None:
        self._task, self._views = task, views
        self._walking: dict[str, Walking] = {}
        self._missing: dict[str, Sequence[date]] = {}
        self.failed: dict[str, str] = {}

    @contextmanager
    def failing(self, segment: str) -> Iterator[None]:
        """Whatever is done for a segment."""
        try:
            yield
        except FAILURES as error:
            name = called(segment, self._task.reach)
            self.failed[name] = told(error)
            self._walking.pop(segment, None)
            log.warning("segment_failed", segment=name, error=self.failed[name])

    def join(self, segment: str, walking: Walking, missing: Sequence[date]) -> None:
        """A segment that lacks the rounds of these origins."""
        self._walking[segment], self._missing[segment] = walking, missing

    @property
    def missing(self) -> list[date]:
        """The origins of all rounds that anybody lacks, oldest first."""
        return sorted({origin for mine in self._missing.values() for origin in mine})

    def walk(self) -> None:
        """All rounds that anybody lacks, oldest first."""
        for origin in self.missing:
            self._round(origin)
            log.info("round_walked", partition=self._task.partition, origin=str(origin))

    def _round(self, origin: date) -> None:
        design = self._views.at(origin)
        averages = averages_of(Sold.of(design.panel))
        for segment, walking in list(self._walking.items()):
            if origin in self._missing[segment]:
                with self.failing(segment):
                    self._walking[segment] = walking.at(design, averages)

    def arrive(self, held: Mapping[str, Conditioned], averages: pl.DataFrame) -> list[FittedSegment]:
        """Their models at the cutoff; `held` is what each has in the lake, `averages` are `averages_of` what was sold."""
        arrived = []
        for segment, walking in list(self._walking.items()):
            with self.failing(segment):
                fitted = walking.arrived(self._views.now, averages, held.get(segment, Conditioned(0, 0.0)))
                log.info("trained", segment=fitted.record["key"], **fitted.record["rows"])
                arrived.append(fitted)
        return arrived
