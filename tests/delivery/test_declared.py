"""The check `settings`: every problem of the files that declare a workspace, with its line."""

from fleetcast.delivery.checks.declared import settings

CONDITIONER = "src/shop/conditioners/deliveries.py"


def places(check):
    return [(finding.rule, finding.path, finding.line) for finding in check.findings]


def test_what_is_declared_well_passes(shop):
    assert settings(shop).state == "passed"


def test_problems_of_settings_and_policy_are_told_together(shop):
    text = (shop / "fleetcast.toml").read_text("utf-8")
    (shop / "fleetcast.toml").write_text(
        text.replace('package = "shop"', 'package = "shop"\nkind = 1'), "utf-8"
    )
    (shop / "policy.toml").write_text("schema = 1\n\n[licences]\nallow = []\n", "utf-8")
    check = settings(shop)
    assert check.state == "failed"
    assert places(check) == [("settings", "fleetcast.toml", 6), ("settings", "policy.toml", 4)]


def test_a_conditioner_with_a_syntax_error_is_told_with_its_line(shop):
    (shop / CONDITIONER).write_text('"""Deliveries."""\n\n\ndef condition(:\n', "utf-8")
    check = settings(shop)
    assert places(check) == [("conditioner", CONDITIONER, 4)]
    assert "SyntaxError" in check.findings[0].message
    assert str(shop) not in check.findings[0].message


def test_a_conditioner_that_raises_when_it_is_loaded_is_told_with_its_line(shop):
    (shop / CONDITIONER).write_text("import math\n\nmath.sqrt(-1)\n", "utf-8")
    assert places(settings(shop)) == [("conditioner", CONDITIONER, 3)]


def test_a_conditioner_that_is_not_there_is_told_where_it_is_declared(shop):
    (shop / CONDITIONER).unlink()
    assert places(settings(shop)) == [("conditioner", "fleetcast.toml", 10)]


def test_a_conditioner_without_its_function_is_told(shop):
    (shop / CONDITIONER).write_text("x = 1\n", "utf-8")
    assert "has no function `condition(rows, context)`" in settings(shop).findings[0].message
