from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.notebooks import percent

TEXT = """# ---
# jupyter: {}
# ---

# %% [markdown]
# # A title

# %% tags=["imports", "of_all"]
import polars as pl
# %% a name [raw]
anything
# %% name=1
x = "# %%"  # %%
"""


def parsed(text):
    return percent.parse(Path("notebooks/one.py"), text)


def test_cells_have_kinds_tags_and_lines():
    cells = parsed(TEXT).cells
    assert [(cell.kind, cell.tags, cell.line) for cell in cells] == [
        ("markdown", (), 5),
        ("code", ("imports", "of_all"), 8),
        ("raw", (), 10),
        ("code", (), 12),
    ]


def test_the_title_is_the_first_heading_or_the_name():
    assert parsed(TEXT).title == "A title"
    assert parsed("x = 1").title == "one"


def test_a_script_without_headers_is_one_cell_from_its_first_line():
    (cell,) = parsed("x = 1\ny = 2\n").cells
    assert (cell.kind, cell.line, cell.text) == ("code", 1, "x = 1\ny = 2")


LINES = st.lists(
    st.sampled_from(["x = 1", "", "# %%", '# %% tags=["a"]', "# %% [markdown]", "# %%time", "# words"])
)


@given(LINES)
def test_every_line_that_says_something_is_in_the_cell_that_its_place_says(lines):
    cells = parsed("\n".join(lines)).cells
    held = {cell.line + n: line for cell in cells for n, line in enumerate(cell.text.split("\n"))}
    assert {n: line for n, line in held.items() if line} == {
        n: line for n, line in enumerate(lines, start=1) if line and n in held
    }
    lost = [line for n, line in enumerate(lines, start=1) if n not in held and not line.startswith("# %%")]
    assert not any(lost)
