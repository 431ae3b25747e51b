"""What licence a package has, what SPDX expressions allow, and the check that holds everything installed against the policy."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.checks.licensed import licences
from fleetcast.delivery.closure import Package, closure
from fleetcast.delivery.licences import licence_of, permitted, spdx
from fleetcast.settings import LicencePolicy

BSD = "License :: OSI Approved :: BSD License"
NAMES = ("MIT", "ISC", "Zlib", "GPL-3.0-only")


def installed(folder, name, *, requires=(), **fields):
    """A distribution's metadata in a folder, as an installer leaves them."""
    made = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    made.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0"]
    lines += [f"{field.replace('_', '-')}: {value}" for field, value in fields.items()]
    lines += [f"Requires-Dist: {one}" for one in requires]
    (made / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
    return str(folder)


def judged(folder, name, **policy):
    return licences(closure([name], [str(folder)]), LicencePolicy(**policy))


# ------------------------------------------------------------------------------------------------ expressions


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MIT OR GPL-3.0-only AND Zlib", True),  # AND binds closer
        ("(MIT OR GPL-3.0-only) AND GPL-2.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("MIT AND (ISC AND (Zlib OR GPL-3.0-only))", True),
        ("LicenseRef-Proprietary", False),
    ],
)
def test_an_expression_is_allowed_when_one_can_keep_to_allowed_licences(expression, allowed):
    assert permitted(expression, {"MIT", "ISC", "Zlib", "Apache-2.0"}) is allowed


def test_a_licence_may_be_allowed_with_an_exception_alone():
    allowed = {"GPL-2.0-only WITH Classpath-exception-2.0"}
    assert permitted("GPL-2.0-only WITH Classpath-exception-2.0", allowed)
    assert not permitted("GPL-2.0-only", allowed)


expressions = st.recursive(
    st.sampled_from(NAMES).map(lambda name: (name, lambda allowed: name in allowed)),
    lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), inner, inner).map(
        lambda told: (
            f"({told[1][0]} {told[0]} {told[2][0]})",
            lambda allowed: (all if told[0] == "AND" else any)((told[1][1](allowed), told[2][1](allowed))),
        )
    ),
)


@given(expressions, st.sets(st.sampled_from(NAMES)))
def test_any_expression_means_what_logic_says(expression, allowed):
    text, truth = expression
    assert permitted(spdx(text), allowed) is truth(allowed)


@given(
    st.lists(st.tuples(st.sampled_from(["AND", "OR"]), st.sampled_from(NAMES)), min_size=1),
    st.sets(st.sampled_from(NAMES)),
)
def test_without_brackets_and_binds_closer_than_or(parts, allowed):
    text = " ".join(word for pair in parts for word in pair).split(" ", 1)[1]
    sides = [side.split(" AND ") for side in text.split(" OR ")]
    assert permitted(text, allowed) is any({*side} <= allowed for side in sides)


# ------------------------------------------------------------------------------------------- what a package says


@pytest.mark.parametrize(
    ("package", "licence"),
    [
        (Package("a", "1", expression="mit or apache-2.0"), "MIT OR Apache-2.0"),
        (Package("a", "1", licence="Apache License 2.0"), "Apache-2.0"),
        (Package("a", "1", licence="MPL-2.0 AND MIT"), "MPL-2.0 AND MIT"),
        (Package("a", "1", licence="MIT License\n\nCopyright (c) 2018 Somebody"), "MIT"),
        (Package("a", "1", licence="Copyright (c) 2001, all of them", classifiers=(BSD,)), "BSD-3-Clause"),
        (Package("a", "1", licence="BSD 2-Clause License", classifiers=(BSD,)), "BSD-2-Clause"),
        (Package("a", "1", classifiers=("Topic :: Text", "License :: OSI Approved :: MIT License")), "MIT"),
        (Package("a", "1", licence="ask our lawyers"), None),
        (Package("a", "1"), None),
        (Package("a", "1", expression="no such licence"), None),
    ],
)  # fmt: skip
def test_a_licence_is_read_from_wherever_the_package_says_it(package, licence):
    assert licence_of(package, {}) == licence


def test_what_a_package_says_twice_and_differently_holds_all_at_once():
    classifiers = ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)",)
    assert licence_of(Package("a", "1", licence="MIT", classifiers=classifiers), {}) == "MIT AND GPL-3.0-only"


def test_what_the_policy_knows_goes_first_however_the_name_is_spelled():
    assert licence_of(Package("my-package", "1", licence="MIT"), {"My_Package": "ISC"}) == "ISC"


# ------------------------------------------------------------------------------------------------- the check


def test_all_that_fleetcast_brings_with_it_is_allowed_by_the_default_policy():
    check = licences(closure(["fleetcast"]), LicencePolicy())
    assert (check.state, check.findings) == ("passed", ())
    assert check.evidence["polars"] == "MIT"
    assert "pytest" not in check.evidence  # of an extra that nobody asked for


def test_all_extras_are_allowed_too():
    assert licences(closure(["fleetcast[ci,peers,ray,tune]"]), LicencePolicy()).findings == ()


def test_a_dependency_under_the_gpl_is_refused_however_deep_it_lies(tmp_path):
    installed(tmp_path, "shop", requires=["middle"], License_Expression="MIT")
    installed(tmp_path, "middle", requires=["Deep_One>=1; python_version > '3'"], License="MIT")
    installed(
        tmp_path, "deep-one", Classifier="License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    )
    check = judged(tmp_path, "shop")
    assert (check.state, check.says) == ("failed", "1 package of 3 may not be used")
    assert check.findings[0].message.startswith("deep-one 1.0 is under GPL-3.0-only")


def test_what_a_marker_leaves_out_is_not_needed(tmp_path):
    installed(
        tmp_path, "shop", requires=["winonly; sys_platform == 'win32'", "gpl; extra == 'more'"], License="MIT"
    )
    assert judged(tmp_path, "shop").state == "passed"


def test_what_the_workspace_needs_on_other_machines_only_is_not_needed_here(tmp_path):
    installed(tmp_path, "shop", requires=["egg"], License="MIT")
    assert closure(["shop", "winonly; sys_platform == 'win32'"], [str(tmp_path)]).names == ["egg", "shop"]


def test_an_extra_brings_its_own(tmp_path):
    installed(tmp_path, "shop", requires=["gpl; extra == 'more'"], License="MIT")
    installed(tmp_path, "gpl", License_Expression="GPL-3.0-only")
    assert judged(tmp_path, "shop[more]").state == "failed"


def test_packages_that_need_each_other_are_walked_once(tmp_path):
    installed(tmp_path, "hen", requires=["egg"], License="MIT")
    installed(tmp_path, "egg", requires=["hen"], License="MIT")
    assert [one.name for one in closure(["hen"], [str(tmp_path)]).packages] == ["egg", "hen"]


def test_a_licence_nobody_knows_is_refused_until_the_policy_knows_it(tmp_path):
    installed(tmp_path, "odd", License="ask our lawyers")
    check = judged(tmp_path, "odd")
    assert check.findings[0].rule == "unknown-licence"
    assert "'ask our lawyers'" in check.findings[0].message
    assert judged(tmp_path, "odd", known={"odd": "MIT"}).state == "passed"


def test_what_is_required_and_not_installed_is_no_pass(tmp_path):
    installed(tmp_path, "shop", requires=["nowhere"], License="MIT")
    assert judged(tmp_path, "shop").findings[0].rule == "not-installed"


def test_what_is_installed_is_found_where_python_looks():
    assert closure(["packaging"], sys.path).packages == closure(["packaging"]).packages
