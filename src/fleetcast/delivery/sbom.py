"""A software bill of materials in CycloneDX's JSON: what an artifact brings with it, and nothing that changes by itself."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from fleetcast.delivery.closure import Package
from fleetcast.delivery.licences import licence_of
from fleetcast.delivery.lock import Pinned

SPECIFICATION = "1.6"
ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
INDEX = "https://pypi.org/simple"


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """A package at a version: its licence as SPDX, what it needs, and the hashes of all files that it may be installed from."""

    name: str
    version: str
    licence: str | None = None
    needs: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()  # algorithm:hex digest, as a lock has them

    @property
    def purl(self) -> str:
        """The package's URL (github.com/package-url/purl-spec).

        >>> Component("jaxlib", "0.10.2+cuda12").purl
        'pkg:pypi/jaxlib@0.10.2%2Bcuda12'
        """
        return f"pkg:pypi/{canonicalize_name(self.name)}@{quote(self.version, safe='')}"


def components(
    packages: Iterable[Package], known: Mapping[str, str], pins: Iterable[Pinned] = ()
) -> list[Component]:
    """Installed packages as components, with the hashes that a lock has for their versions."""
    hashes = {(pin.name, pin.version): tuple(sorted(pin.hashes)) for pin in pins}
    return [
        Component(
            package.name,
            package.version,
            licence_of(package, known),
            package.needs,
            hashes.get((package.name, package.version), ()),
        )
        for package in sorted(packages)
    ]


def sbom(subject: Component, made_of: Iterable[Component]) -> dict[str, Any]:
    """The bill of a subject, a workspace's wheel say. Equal parts make an equal bill: it has no time and no serial number."""
    parts = sorted({*made_of} - {subject})
    references = {part.name: part.purl for part in (subject, *parts)}
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": _component(subject, "application")},
        "components": [_component(part, "library") for part in parts],
        "dependencies": [
            {
                "ref": one.purl,
                "dependsOn": sorted(
                    {references[name] for name in one.needs if name in references} - {one.purl}
                ),
            }
            for one in sorted((subject, *parts))
        ],
    }


def write(bill: Mapping[str, Any], path: Path) -> Path:
    """Write a bill; equal bills are equal bytes."""
    path.write_text(json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    return path


def _component(one: Component, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": kind,
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
    }
    if one.licence:
        made["licenses"] = [{"expression": one.licence}]
    if one.hashes:
        # A component's own `hashes` are those of one file; a lock has those of every file that may be installed.
        made["externalReferences"] = [
            {
                "type": "distribution",
                "url": f"{INDEX}/{canonicalize_name(one.name)}/",
                "hashes": list(_hashes(one)),
            }
        ]
    return made


def _hashes(one: Component) -> Iterator[dict[str, str]]:
    for told in one.hashes:
        algorithm, digest = told.split(":", 1)
        if algorithm in ALGORITHMS:
            yield {"alg": ALGORITHMS[algorithm], "content": digest}
