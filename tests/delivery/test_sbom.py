"""The bill of materials: valid by CycloneDX's own schema, and the same bytes whenever the parts are the same."""

import json
from importlib import resources

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from fleetcast.delivery import lock
from fleetcast.delivery.closure import Package, closure
from fleetcast.delivery.sbom import Component, components, sbom, write

SHOP = Component("shop", "0.1.0", "LicenseRef-Proprietary", ("fleetcast", "numpy"))
AA, BB, CC = "aa" * 32, "bb" * 32, "cc" * 64
LOCK = f"""\
# made by a tool
numpy==2.4.6 \\
    --hash=sha256:{BB} \\
    --hash=sha256:{AA}
Fleet_Cast[ray]==0.1.0 ; python_version > "3.10" --hash=sha512:{CC}
-e ./somewhere
"""


@pytest.fixture(scope="module")
def schema():
    """CycloneDX 1.6, as its own Python package ships it."""
    folder = resources.files("cyclonedx.schema") / "_res"
    texts = {
        path.name: json.loads(path.read_text("utf-8"))
        for path in folder.iterdir()
        if path.name.endswith("schema.json")
    }
    registry = Registry()
    for name in ("spdx", "jsf-0.82", "cryptography-defs"):
        text = texts[f"{name}.SNAPSHOT.schema.json"]
        registry = registry.with_resource(text["$id"], Resource.from_contents(text))
    return Draft7Validator(texts["bom-1.6.SNAPSHOT.schema.json"], registry=registry)


@pytest.fixture(scope="module")
def parts():
    return components(closure(["fleetcast"]).packages, {}, lock.read(LOCK))


def test_the_bill_of_fleetcast_is_valid(schema, parts):
    assert [error.message for error in schema.iter_errors(sbom(SHOP, parts))] == []


def test_the_schema_would_find_a_bill_that_is_not(schema, parts):
    bill = sbom(SHOP, parts)
    bill["components"][0]["licenses"] = [{"licence": "MIT"}]
    assert list(schema.iter_errors(bill))


def test_a_bill_has_no_time_and_no_order_of_its_own(parts, tmp_path):
    shuffled = [*reversed(parts)]
    first, second = write(sbom(SHOP, parts), tmp_path / "a"), write(sbom(SHOP, shuffled), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_a_part_has_its_licence_its_url_and_the_hashes_of_the_lock(parts):
    numpy = next(one for one in sbom(SHOP, parts)["components"] if one["name"] == "numpy")
    assert numpy["purl"] == numpy["bom-ref"] == f"pkg:pypi/numpy@{numpy['version']}"
    assert numpy["licenses"][0]["expression"].startswith("BSD-3-Clause AND")


def test_hashes_belong_to_the_version_that_is_locked():
    part = Component("numpy", "2.4.6", hashes=(f"sha256:{AA}", "md5:" + "dd" * 16))
    reference = sbom(SHOP, [part])["components"][0]["externalReferences"][0]
    assert reference["hashes"] == [{"alg": "SHA-256", "content": AA}]  # md5 proves nothing


def test_what_needs_what_is_told_of_parts_that_are_there():
    told = sbom(SHOP, [Component("numpy", "2.4.6", needs=("absent",))])["dependencies"]
    assert told == [
        {"ref": "pkg:pypi/numpy@2.4.6", "dependsOn": []},
        {"ref": "pkg:pypi/shop@0.1.0", "dependsOn": ["pkg:pypi/numpy@2.4.6"]},
    ]


def test_a_part_has_the_hashes_that_are_locked_for_its_version_sorted():
    found = components([Package("numpy", "2.4.6"), Package("numpy", "2.5.0")], {}, lock.read(LOCK))
    assert [part.hashes for part in found] == [(f"sha256:{AA}", f"sha256:{BB}"), ()]


def test_a_lock_names_packages_as_indexes_do_whatever_extras_and_markers_they_have():
    assert [(pin.name, pin.version) for pin in lock.read(LOCK)] == [
        ("numpy", "2.4.6"),
        ("fleet-cast", "0.1.0"),
    ]
