"""Troubles that can be planted into the retailer's year: what each is about, and how it must show.

A trouble is found by an incident of a fitting kind on one of its own subjects. Around it, on everything it touches,
incidents are no false alarms: a region whose file is missing may well be forecast worse.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Literal

from fleetcast.domain.incidents import FLEET, Kind
from fleetcast.domain.week import WEEK
from fleetcast.sources.sample.files import SENDERS, US
from fleetcast.sources.sample.happenings import EVERYWHERE, NOTICE
from fleetcast.sources.sample.retailer import Retailer

About = Literal["source", "deliveries", "region", "format", "segment", "event", "weather", "fleet"]
WEATHER = ("weather_observed", "weather_forecasts")
FOUND_WITHIN = 2  # cycles after that of its week
ECHO = 3  # weeks after its end for which what a trouble left behind may still be noticed


@dataclass(frozen=True, slots=True)
class Spec:
    """A kind of trouble: what it is about, the kinds of incidents that fit, and what it takes by default."""

    about: About
    fits: tuple[Kind, ...]
    weeks: int = 1
    by: float = 0.0
    ways: tuple[str, ...] = ("",)  # the first is the default


SPECS: Mapping[str, Spec] = {
    "late": Spec("source", ("late", "absent", "volume"), weeks=2),
    "missing": Spec("source", ("late", "absent", "volume")),
    "corrupted": Spec("deliveries", ("corrupted", "schema"), ways=("truncated", "garbage", "encoding")),
    "corrected": Spec("deliveries", ("corrected",), weeks=4),
    "schema": Spec("deliveries", ("schema", "corrupted"), weeks=2, ways=("renamed", "dropped")),
    "price": Spec("region", ("drift", "shock"), weeks=6, by=0.3),
    "holiday": Spec("event", ("events",), by=2),
    "demand": Spec("region", ("demand", "drift", "degraded", "shock"), weeks=4, by=0.35),
    "bad_model": Spec("segment", ("degraded", "failover"), weeks=2, by=0.05),
    "no_weather": Spec("weather", ("late", "absent", "volume")),
    "closing": Spec("format", ("closing",), weeks=NOTICE),
    "killed": Spec("fleet", ("resumed", "failed")),
    "two_schedulers": Spec("fleet", ("two_schedulers",)),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A trouble and its truth. `week` is the cycle that can first notice it, `subject` what its kind is about."""

    kind: str
    week: date
    subject: str
    weeks: int
    by: float
    way: str

    @property
    def last(self) -> date:
        return self.week + (self.weeks - 1) * WEEK

    @property
    def acts(self) -> date:
        """From when on others than its own subjects can notice it: a calendar is told long before the event."""
        return self.last - round(self.by) * WEEK if self.kind == "holiday" else self.week

    def fits(self, kind: str, subject: str, opened: date, places: "Places") -> bool:
        """Whether an incident is this trouble, found in time."""
        in_time = self.week <= opened <= self.week + FOUND_WITHIN * WEEK
        return in_time and kind in SPECS[self.kind].fits and subject in set(places.showing(self))

    def explains(self, subject: str, opened: date, places: "Places") -> bool:
        """Whether an incident may come of this trouble: its subject was touched, not long ago."""
        own = subject in set(places.showing(self))
        since = self.week if own else self.acts
        return since <= opened <= self.last + ECHO * WEEK and (own or subject in set(places.touched(self)))


@dataclass(frozen=True)
class Places:
    """What troubles can be about, as a retailer has it: its regions with their sources, its segments, its events."""

    sources: Mapping[str, str]  # region → source of its deliveries
    formats: Collection[str]
    movers: Collection[str]
    events: Collection[str]

    @classmethod
    def of(cls, retailer: Retailer) -> "Places":
        regions = sorted(retailer.stores["region"].unique())
        return cls(
            {region: SENDERS.get(region, US).source for region in regions},
            retailer.stores["store_format"].unique().sort().to_list(),
            retailer.products["mover"].unique().sort().to_list(),
            retailer.events["event"].unique().sort().to_list(),
        )

    def known(self, about: About) -> list[str]:
        """Everything that a kind of trouble can be about."""
        deliveries = sorted(set(self.sources.values()))
        found: Mapping[About, list[str]] = {
            "source": [*deliveries, "returns_statements", "promotions", *WEATHER],
            "deliveries": deliveries,
            "region": [*self.sources, EVERYWHERE],
            "format": ["/".join(parts) for parts in product(self.sources, self.formats)],
            "segment": ["/".join(parts) for parts in product(self.sources, self.formats, self.movers)],
            "event": list(self.events),
            "weather": ["weather"],
            "fleet": [FLEET],
        }
        return found[about]

    def showing(self, trouble: Trouble) -> Iterator[str]:
        """The subjects of incidents by which a trouble is found."""
        match SPECS[trouble.kind].about:
            case "region" | "format":
                yield from self._within(trouble.subject)
            case "weather":
                yield from WEATHER
            case "event":
                yield "events"
            case _:
                yield trouble.subject
        if trouble.kind == "closing":
            yield "stores"

    def touched(self, trouble: Trouble) -> Iterator[str]:
        """Everything on which a trouble may leave its marks."""
        yield from self.showing(trouble)
        about = SPECS[trouble.kind].about
        fed = [region for region, source in self.sources.items() if source == trouble.subject]
        if fed:
            for region in fed:
                yield from self._within(region)
        elif about in ("source", "event", "weather"):
            yield from self._within(EVERYWHERE)
        if trouble.kind == "price":
            yield "promotions"
        if trouble.kind == "closing":  # fewer stores send fewer rows
            yield self.sources[trouble.subject.split("/", maxsplit=1)[0]]

    def _within(self, place: str) -> Iterator[str]:
        """A region or format with all above and below it that incidents name; "all" is the whole fleet."""
        if place == EVERYWHERE:
            yield FLEET
        else:
            yield place.split("/", maxsplit=1)[0]
        for name in (*self.known("format"), *self.known("segment"), *self.sources):
            if place == EVERYWHERE or name == place or name.startswith(f"{place}/"):
                yield name
