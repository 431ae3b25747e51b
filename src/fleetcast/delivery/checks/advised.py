"""The check `advisories`: is anything installed or locked that a published advisory warns of?"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

from fleetcast.delivery.advisories import Database, Limits, consult, shown
from fleetcast.delivery.checks.measured import counted
from fleetcast.delivery.osv import Advisory
from fleetcast.delivery.report import Check, Finding, State
from fleetcast.settings import AdvisoryPolicy, Waiver
from fleetcast.workspace import POLICY_FILE

Versions = Mapping[str, Collection[str]]  # package → versions of it that are installed or locked


def advisories(
    source: str | None,
    versions: Versions,
    policy: AdvisoryPolicy,
    now: datetime,
    limits: Limits | None = None,
) -> Check:
    """Hold versions against a database of advisories; one that is too old, or cannot be read, is no audit."""
    if source is None:
        return _unasked(policy)
    database = consult(source, lambda advisory: bool(_met(advisory, versions)), now, limits)
    age = (now - database.newest).days
    evidence = {
        "source": shown(source),
        "records": database.records,
        "newest": database.newest.isoformat(),
        "packages": len(versions),
    }
    if age > policy.maximum_age_days:
        says = (
            f"the newest of {shown(source)} is {age} days old, and {POLICY_FILE} trusts {policy.maximum_age_days};"
            " fetch newer ones"
        )
        return Check("advisories", "infrastructure", says, evidence=evidence)
    return _judged(database, versions, policy, now.date(), evidence)


def _unasked(policy: AdvisoryPolicy) -> Check:
    if policy.required:
        says = f"{POLICY_FILE} requires advisories, and none were given; name a folder, a zip or an address with --advisories"
        return Check("advisories", "infrastructure", says)
    return Check(
        "advisories",
        "skipped",
        "no advisories were given; name a folder, a zip or an address with --advisories",
    )


def _judged(
    database: Database,
    versions: Versions,
    policy: AdvisoryPolicy,
    today: date,
    evidence: Mapping[str, object],
) -> Check:
    found = tuple(_findings(database.about, versions, policy.waived, today))
    errors = sum(finding.level == "error" for finding in found)
    waived = sum(finding.rule == "waived" for finding in found)
    but = f", {waived} waived" if waived else ""
    held = f"{counted(len(versions), 'package')} held against {counted(database.records, 'record')}"
    state: State = "failed" if errors else "passed"
    says = f"{held}: {errors or 'none'} found{but}"
    return Check("advisories", state, says, found, evidence=evidence)


def _findings(
    about: tuple[Advisory, ...], versions: Versions, waived: tuple[Waiver, ...], today: date
) -> Iterator[Finding]:
    for advisory in about:
        waiver = next((one for one in waived if one.advisory in advisory.names), None)
        for package, version in _met(advisory, versions):
            yield _finding(advisory, f"{package} {version}", waiver, today)
    met = {name for advisory in about for name in advisory.names}
    for waiver in waived:
        if waiver.advisory not in met:
            message = f"nothing here is met by {waiver.advisory} any more; remove its waiver"
            yield Finding("needless-waiver", message, POLICY_FILE, level="warning")


def _finding(advisory: Advisory, which: str, waiver: Waiver | None, today: date) -> Finding:
    aliases = f" ({', '.join(advisory.aliases)})" if advisory.aliases else ""
    message = f"{which}{aliases}: {advisory.summary or 'no summary'}"
    if waiver is None:
        return Finding(advisory.name, f"{message}; move to a version that is not affected")
    if waiver.until < today:
        return Finding(advisory.name, f"{message}; its waiver ended on {waiver.until}", POLICY_FILE)
    return Finding(
        "waived",
        f"{advisory.name}: {message}; until {waiver.until}: {waiver.reason}",
        POLICY_FILE,
        level="note",
    )


def _met(advisory: Advisory, versions: Versions) -> list[tuple[str, str]]:
    """The packages, with their versions, that an advisory is about."""
    packages = {one.package for one in advisory.affected} & versions.keys()
    return sorted(
        (package, version)
        for package in packages
        for version in versions[package]
        if advisory.about(package, version)
    )
