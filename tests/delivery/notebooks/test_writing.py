import importlib.util
from pathlib import Path

import pytest

from fleetcast.delivery.notebooks import percent, template, writing
from fleetcast.domain.errors import UsageError

GOOD = Path(__file__).parent / "good" / "with_words_and_helpers.py"


def loaded(path):
    spec = importlib.util.spec_from_file_location("notebook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_tried_is_what_is_promoted():
    tried = writing.of_functions([loaded(GOOD).features])
    promoted = writing.of_notebook(percent.read(GOOD), "features")
    for part in ("imports", "parameters", "functions"):
        assert set(getattr(tried, part)) == set(getattr(promoted, part))
    assert set(promoted.imports) == {"import numpy as np", "import polars as pl"}
    assert len(promoted.functions) == 2


@pytest.mark.parametrize("override", ["features", "recipe"])
def test_a_module_is_python_and_takes_only_what_its_functions_use(override):
    notebook = percent.parse(Path("one.py"), template.text("one", override=override))
    pieces = writing.of_notebook(notebook, override)
    text = writing.module(override, pieces, about="One.", columns={"recent": "origin"})
    names: dict[str, object] = {}
    exec(compile(text, "one.py", "exec"), names)  # noqa: S102 — our own template
    assert "fleetcast" not in names
    assert names["WEEKS"] == 8
    assert ("COLUMNS" in names) == (override == "features")


def test_a_function_that_reads_a_frame_of_the_notebook_is_not_written(tmp_path):
    path = tmp_path / "closure.py"
    path.write_text(
        "import polars as pl\nlevels = pl.DataFrame()\n\n\ndef features(frame):\n    return frame.join(levels)\n"
    )
    with pytest.raises(UsageError, match="features reads `levels` from the notebook around it"):
        writing.of_functions([loaded(path).features])
