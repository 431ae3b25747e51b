"""The check `licences`: may everything that is installed be used, by the policy?"""

from collections import Counter
from collections.abc import Iterator

from fleetcast.delivery.checks.measured import counted
from fleetcast.delivery.closure import Closure, Package
from fleetcast.delivery.licences import licence_of, permitted
from fleetcast.delivery.report import Check, Finding
from fleetcast.settings import LicencePolicy
from fleetcast.workspace import POLICY_FILE


def licences(needed: Closure, policy: LicencePolicy) -> Check:
    of = {package: licence_of(package, policy.known) for package in needed.packages}
    found = (*_absent(needed), *_refused(of, policy))
    evidence = {package.name: licence for package, licence in of.items()}
    if found:
        says = f"{counted(len(found), 'package')} of {len(of) + len(needed.absent)} may not be used"
        return Check("licences", "failed", says, found, evidence=evidence)
    common = ", ".join(f"{n} {licence}" for licence, n in Counter(of.values()).most_common(3))
    return Check(
        "licences",
        "passed",
        f"{counted(len(of), 'package')} have allowed licences: {common} …",
        evidence=evidence,
    )


def _absent(needed: Closure) -> Iterator[Finding]:
    for name in needed.absent:
        yield Finding("not-installed", f"{name} is required and not installed, so nobody knows its licence")


def _refused(of: dict[Package, str | None], policy: LicencePolicy) -> Iterator[Finding]:
    for package, licence in of.items():
        which = f"{package.name} {package.version}"
        if licence is None:
            said = package.expression or (package.licence or "").strip().split("\n", 1)[0] or "nothing"
            yield Finding(
                "unknown-licence",
                f"{which} says {said[:60]!r} of its licence; read it, and write it as SPDX"
                f" into [licences.known] of {POLICY_FILE}: {package.name} = …",
                POLICY_FILE,
            )
        elif not permitted(licence, policy.allowed):
            yield Finding(
                "licence",
                f"{which} is under {licence}, which [licences] of {POLICY_FILE} does not allow;"
                " do without the package, or have the policy changed",
                POLICY_FILE,
            )
