"""What people see of a challenger beside the champion."""

import json
from dataclasses import replace
from datetime import date

from fleetcast.domain.shadows import Shadow
from fleetcast.faces.cli import shadowed, terminal
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.shadow_evidence import Evidence
from fleetcast.fleet.shadows import ShadowView
from fleetcast.shadow.comparing import Comparison, Difference, Line
from fleetcast.shadow.deciding import Decision
from fleetcast.shadow.rows import Labels

CYCLE = date(2026, 11, 2)
MAPE = Difference(0.25, 0.22, -0.03, -0.041, -0.019)
COST = Difference(1300.0, 1250.0, -50.0, -90.0, -10.0)
LINE = Line(40, 7, MAPE, Difference(), Difference(0.02, 0.01, -0.01), Difference(), 0)
EVIDENCE = Evidence(
    CYCLE,
    (CYCLE,),
    {"cd" * 32: 42},
    Labels(published=44, compared=42, known=41, final=40, censored=1),
    Comparison(LINE, {"ohio/large/fast": LINE}),
    Decision("promote", ("MAPE 22 % against 25 %",)),
    {},
)
VIEW = ShadowView(
    "dev", Shadow("ab" * 32, CYCLE, 1, "ana", "a new recipe"), (CYCLE,), date(2026, 12, 21), EVIDENCE
)
HERE = Place()


def test_a_running_shadow_says_how_far_it_is_and_what_it_has_come_to(printed):
    text = " ".join(printed(shadowed.shadow(VIEW, HERE)).split())
    assert "1 of 1 cycle from 2 Nov 2026 on, published in none." in text
    assert "decided on in the cycle of 21 Dec 2026. By now: promote: MAPE 22 % against 25 %." in text
    assert (
        "42 of 44 published rows were forecast by both; the demand of 97.6 % of them is known, provisional"
        in text
    )
    assert "−3.0 (−4.1 to −1.9)" in text
    assert "cdcdcdcdcdcd (42 rows)" in text
    assert "fleetcast release shadow abababababab --stop" in text


def test_money_has_a_column_where_orders_could_be_priced(printed):
    priced = replace(LINE, cost=COST, priced=40)
    found = replace(EVIDENCE, found=Comparison(priced, {"ohio/large/fast": priced}))
    assert "Money" not in printed(shadowed.shadow(VIEW, HERE))
    text = printed(shadowed.shadow(replace(VIEW, evidence=found), HERE))
    assert "Money" in text
    assert "−50" in text


def test_a_decision_names_the_command_that_acts_on_it_and_a_kept_champion_none(printed):
    shadow = replace(VIEW.shadow, state="decided", decision="promote")
    text = printed(shadowed.shadow(replace(VIEW, shadow=shadow, due=None), HERE))
    assert "● promote: MAPE 22 % against 25 %." in text
    assert "fleetcast release promote abababababab" in text
    kept = replace(shadow, decision="keep")
    evidence = replace(EVIDENCE, decision=Decision("keep", ("MAPE 30 % against 25 %",)))
    text = printed(shadowed.shadow(replace(VIEW, shadow=kept, due=None, evidence=evidence), HERE))
    assert "✕ keep the champion: MAPE 30 % against 25 %." in text
    assert "release promote" not in text


def test_one_that_was_ended_early_says_so(printed):
    shadow = replace(VIEW.shadow, state="stopped", decision="inconclusive")
    text = printed(shadowed.shadow(replace(VIEW, shadow=shadow), HERE))
    assert "Stopped early" in text
    nothing = replace(VIEW, shadow=replace(shadow, decision=None), cycles=(), evidence=None)
    assert "ended before anything was known of it" in printed(shadowed.shadow(nothing, HERE))


def test_all_shadows_are_a_table_and_none_is_a_sentence(printed):
    text = printed(shadowed.shadows([VIEW]))
    assert "abababababab" in text
    assert "1 of 1" in text
    assert "No release was scored beside the champion yet." in printed(shadowed.shadows([]))


def test_programs_read_the_evidence_as_it_is_kept():
    read = json.loads(terminal.to_json(VIEW))
    assert Evidence.of(read["evidence"]) == EVIDENCE
