from datetime import date

from fleetcast.faces.cli import ingested
from fleetcast.fleet.report import Intake

INTAKE = (
    Intake(
        "deliveries",
        "failed",
        error="erp.example.com: it answers 503; tried 5 times",
        late_since=date(2026, 11, 25),
    ),
    Intake("weather", "new", 2),
    Intake("holidays", "not_due"),
)


def test_each_source_says_what_came_of_it(printed):
    lines = printed(ingested.page(INTAKE)).splitlines()
    assert "✕ failed" in lines[1]
    assert "it answers 503; tried 5 times" in lines[1]
    assert "● new" in lines[2]
    assert "● not due yet" in lines[3]


def test_a_week_tells_what_it_could_not_ask_and_what_is_late_and_goes_on_with_what_it_has(printed):
    lines = [printed(line).strip() for line in ingested.troubles(INTAKE)]
    assert lines[0].startswith("✕ deliveries could not be asked: erp.example.com: it answers 503")
    assert lines[1] == "◷ deliveries is late since 25 Nov 2026; what is known is used"
    assert lines[2] == "● weather: 2 new files"
    assert len(lines) == 3
