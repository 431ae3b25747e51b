"""What a week's training goes on from: the networks of earlier weeks, and the pools that lend to segments."""

from collections.abc import Collection, Mapping
from datetime import date

from fleetcast.domain.errors import UsageError
from fleetcast.domain.segment import Segment
from fleetcast.registry.models import ModelVersion
from fleetcast.rounds.subject import YOUNG
from fleetcast.training.pooling import name
from fleetcast.training.task import FROM, Chain, Donor, Pooling, PoolVersion, trained_as


def chains(versions: Collection[ModelVersion], *, recipe: str, week: date) -> dict[str, Chain]:
    """Where each segment's newest rounds lie that a recipe, with a donor or without, may go on from: those of an earlier week.

    A model that its gate refused has rounds like any other; they need not be made again.
    """
    return {
        version.segment: Chain(
            version.artefact, version.lineage["chain"], _recipe(version), version.state == "refused"
        )
        for version in versions
        if version.kind == "ensemble"
        and _recipe(version).split(FROM)[0] == recipe
        and str(version.lineage.get("cutoff")) < str(week)
        and version.lineage.get("chain")
    }


def donors(
    versions: Collection[ModelVersion],
    segments: Collection[Segment],
    *,
    named: Mapping[str, str],
    partition: str | None,
    recipe: str,
    week: date,
) -> dict[str, Donor]:
    """Whose model each segment starts from while it is young: the donor `named`, else the largest of its kind elsewhere.

    Of its kind is who differs in the key `partition` alone (in the first key, where nothing is partitioned). A donor is
    of an earlier week, passed its gate, and learned from a year of its own; without one there is none.
    """
    names = {str(segment) for segment in segments}
    for young, lender in named.items():
        if young in names and lender not in names:
            raise UsageError(
                f"training.donors: {young} is to start from {lender}, which is no segment; there are {', '.join(sorted(names))}"
            )
    able = {
        version.segment: version
        for version in versions
        if _of(version, "ensemble", recipe)
        and str(version.lineage["cutoff"]) < str(week)
        and version.lineage.get("weeks", 0) >= YOUNG
    }
    found = {}
    for segment in segments:
        alike = [other for other in segments if _alike(segment, other, partition) and str(other) in able]
        largest = max(alike, key=lambda other: (_fitted(able[str(other)]), str(other)), default=None)
        donor = named.get(str(segment), str(largest))
        if donor in able:
            found[str(segment)] = _donor(able[donor])
    return found


def _alike(one: Segment, other: Segment, partition: str | None) -> bool:
    key = partition or one.pairs[0][0]
    return one != other and all(one[name] == value for name, value in other.pairs if name != key)


def _fitted(version: ModelVersion) -> int:
    return int(version.lineage["rows"]["fitted"])


def _donor(version: ModelVersion) -> Donor:
    lineage = version.lineage
    return Donor(
        version.name,
        version.segment,
        lineage["partition"],
        date.fromisoformat(lineage["cutoff"]),
        version.artefact,
        version.key,
    )


def pooling(
    versions: Collection[ModelVersion], partition: str, *, recipe: str, week: date, whole: bool
) -> Pooling:
    """How a partition's segments come to their pool.

    Where all of them are trained (`whole`) it is fitted, going on from the newest one of an earlier week; where only
    some are, the newest one there is lends, as it is.
    """
    fitting = [
        version
        for version in versions
        if _of(version, "pool", recipe)
        and version.segment == name(partition)
        and (
            str(version.lineage["cutoff"]) < str(week)
            if whole
            else str(version.lineage["cutoff"]) <= str(week)
        )
    ]
    return Pooling(whole, _pool(fitting[-1]) if fitting else None)


def _of(version: ModelVersion, kind: str, recipe: str) -> bool:
    return version.kind == kind and version.state != "refused" and _recipe(version) == recipe


def _recipe(version: ModelVersion) -> str:
    return trained_as(str(version.lineage.get("recipe")))


def _pool(version: ModelVersion) -> PoolVersion:
    lineage = version.lineage
    return PoolVersion(
        version.name,
        date.fromisoformat(lineage["cutoff"]),
        version.artefact,
        version.key,
        lineage["chain"],
        lineage["rounds"],
    )


def inputs(pooling: Pooling | None) -> object:
    """What of it a training step's inputs are told."""
    if pooling is None:
        return None
    version = pooling.version
    return {"fits": pooling.fits, "version": [version.model, version.artefact] if version else None}
