import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.notebooks import percent, rules, scopes


def told(code, what):
    return [event.name for event in scopes.events(ast.parse(code)) if event.what == what]


def test_values_are_read_before_names_are_bound():
    assert [(e.what, e.name) for e in scopes.events(ast.parse("x = x + 1"))] == [("read", "x"), ("bind", "x")]


def test_what_a_function_reads_is_read_when_it_is_called():
    code = "def f(a, b=now):\n    c = a + later\n    return [c + d for d in others if d]"
    assert told(code, "read") == ["now"]
    assert told(code, "later") == ["later", "others"]
    assert told(code, "bind") == ["f"]


def test_names_of_a_comprehension_are_its_own():
    assert told("y = [x for x in rows if x > least]", "read") == ["rows", "least"]
    assert told("y = [x for x in rows]", "bind") == ["y"]


@given(st.permutations(range(5)))
def test_cells_that_stand_on_each_other_are_well_in_one_order_only(order):
    lines = {n: f"v{n} = {'1' if n == 0 else f'v{n - 1} + 1'}" for n in order}
    text = "\n".join(f"# %%\n{lines[n]}" for n in order)
    found = rules.broken(percent.parse(Path("one.py"), text))
    early = {n for n in order if n and order.index(n - 1) > order.index(n)}
    assert {one.line for one in found if one.rule == "hidden_state"} == {
        2 * order.index(n) + 2 for n in early
    }
