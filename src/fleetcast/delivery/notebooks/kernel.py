"""A fresh kernel: runs the cells of a notebook in order, watches the overriding functions, and writes down what it saw.

Started as a program with the notebook and the file to write to; see `running`.
"""

import functools
import hashlib
import json
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleetcast.delivery.notebooks import percent
from fleetcast.delivery.notebooks.overrides import FUNCTIONS, OPTIONAL, TAGS
from fleetcast.delivery.notebooks.percent import Notebook

PLAIN = (str, bytes, int, float, complex, bool, date, timedelta, type(None))


@dataclass
class Watched:
    """An overriding function: what it was last given, and whether it changed it."""

    function: Callable[..., Any]
    line: int
    given: tuple[tuple[Any, ...], dict[str, Any]] | None = None
    changed: list[str] = field(default_factory=list)

    def called(self, *arguments: Any, **named: Any) -> Any:
        everything = [*arguments, *named.values()]
        before = [fingerprint(value) for value in everything]
        self.given = arguments, named
        result = self.function(*arguments, **named)
        if [fingerprint(value) for value in everything] != before:
            self.changed.append(self.function.__name__)
        return result


def ran(notebook: Notebook) -> dict[str, Any]:
    """Run a notebook; what it prints goes to standard error."""
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(notebook.path)}
    watched: dict[str, Watched] = {}
    cells: list[Mapping[str, str]] = []
    findings: list[dict[str, Any]] = []
    for cell in notebook.code:
        code = compile("\n" * (cell.line - 1) + cell.text, str(notebook.path), "exec")
        try:
            with redirect_stdout(sys.stderr):
                exec(code, names)  # noqa: S102 — it is what a kernel is for
        except Exception as error:  # noqa: BLE001 — whatever a notebook raises is what is found
            findings.append(
                _finding(
                    _line(error, notebook),
                    "raises",
                    f"{type(error).__name__}: {error}; a fresh kernel stops here",
                )
            )
            break
        for tag in (tag for tag in TAGS if tag in cell.tags):
            for name in (*TAGS[tag], *OPTIONAL[tag]):
                _watch(names, name, watched)
        cells.append({name: print_ for name, value in names.items() if (print_ := fingerprint(value))})
    contract: dict[str, Any] = {}
    if not findings:
        findings += list(_watched(watched))
    if not findings and watched:
        try:
            with redirect_stdout(sys.stderr):
                contract, wrong = _tried(watched, names)
        except Exception as error:  # noqa: BLE001 — the function is the notebook's
            said = f"tried on other frames it fails: {type(error).__name__}: {error}; it has to bear what is missing or new"
            wrong = [_finding(_line(error, notebook), "contract", said)]
        findings += wrong
    return {"findings": findings, "cells": cells, "contract": contract}


def fingerprint(value: Any) -> str | None:
    """What a value comes to, where it is data; None of anything else."""
    if isinstance(value, pl.DataFrame):
        said: Any = [str(value.schema), value.hash_rows(1).to_list()]
    elif isinstance(value, pl.Series):
        said = [value.name, str(value.dtype), value.hash(1).to_list()]
    elif isinstance(value, np.ndarray):
        said = [str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    elif (isinstance(value, PLAIN) and not isinstance(value, bool)) or isinstance(value, bool | np.generic):
        said = repr(value)
    elif isinstance(value, dict | list | tuple | set | frozenset):
        items = [part for pair in value.items() for part in pair] if isinstance(value, dict) else list(value)
        said = [fingerprint(item) for item in items]
        if None in said:
            return None
    else:
        return None
    return hashlib.sha256(json.dumps([type(value).__name__, said], default=str).encode()).hexdigest()


def _watch(names: dict[str, Any], name: str, watched: dict[str, Watched]) -> None:
    function = names.get(name)
    if isinstance(function, types.FunctionType):
        one = watched[name] = Watched(function, function.__code__.co_firstlineno)
        watching = functools.partial(one.called)  # unlike a method, it can be given the function's names
        names[name] = functools.update_wrapper(watching, function)


def _watched(watched: Mapping[str, Watched]) -> Iterator[dict[str, Any]]:
    for name, one in watched.items():
        if one.given is None:
            said = f"no cell calls {name}; call it on a frame of the session, so that it can be checked"
            yield _finding(one.line, "untried", said)
        elif one.changed:
            yield _finding(
                one.line,
                "mutation",
                f"{name} changes the frame it is given; return a new one, as with_columns does",
            )


def _tried(
    watched: Mapping[str, Watched], names: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The contract of what is overridden, and what breaks it."""
    past = _past(names)
    if "features" in watched:
        from fleetcast.features.contract import tried  # loads numba, which not every notebook needs

        one = watched["features"]
        arguments, named = one.given or ((), {})
        (frame, *_) = [*arguments, *named.values()]
        found = tried(one.function, frame, [name for name in past if name in frame.columns])
        wrong = [_finding(one.line, "contract", f"features {problem}") for problem in found.problems]
        return {"override": "features", "columns": found.columns, "past": list(past)}, wrong
    if {"fit", "predict"} <= watched.keys():
        wrong = list(_recipe_tried(watched["fit"], watched["predict"], watched.get("explain")))
        return {"override": "recipe"}, wrong
    missing = sorted({"fit", "predict"} - watched.keys())
    here = min(one.line for one in watched.values())
    said = f'a recipe is fit and predict, and {missing[0]}{FUNCTIONS[missing[0]]} is missing; tag its cell "recipe" too'
    return {}, [_finding(here, "tagged_cell", said)]


def _past(names: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that are not known ahead, as the notebook's session says."""
    module = sys.modules.get("fleetcast.delivery.notebooks.session")
    sessions = [value for value in names.values() if module is not None and isinstance(value, module.Session)]
    return sessions[-1].past if sessions else ("units",)


def _recipe_tried(fit: Watched, predict: Watched, explain: Watched | None) -> Iterator[dict[str, Any]]:
    from fleetcast.models.written import frame_said

    arguments, named = fit.given or ((), {})
    asked, _ = predict.given or ((), {})
    one, other = (fit.function(*arguments, **named) for _ in range(2))
    frame = asked[1] if len(asked) > 1 else arguments[0]
    said = [predict.function(model, frame) for model in (one, other)]
    problem = frame_said("predict", said[0], frame)
    if problem:
        yield _finding(predict.line, "contract", problem)
    elif fingerprint(said[0]) != fingerprint(said[1]):
        yield _finding(
            fit.line,
            "nondeterminism",
            "equal frames and seed give other forecasts the second time; draw with `seed`",
        )
    elif "units" in frame.columns and fingerprint(
        predict.function(one, frame.with_columns(pl.lit(None, pl.Float64).alias("units")))
    ) != fingerprint(said[0]):
        yield _finding(
            predict.line,
            "contract",
            "predict reads the units that are to be forecast; there are none in production",
        )
    elif explain is not None:
        yield from _explain_tried(explain, one, frame.drop("units", strict=False), said[0])


def _explain_tried(
    explain: Watched, model: Any, frame: pl.DataFrame, forecasts: pl.DataFrame
) -> Iterator[dict[str, Any]]:
    from fleetcast.models.written import parts_far_off, parts_said

    parts = explain.function(model, frame)
    problem = parts_said("explain", parts, frame) or parts_far_off("explain", parts, forecasts["median"])
    if problem:
        yield _finding(explain.line, "contract", problem)


def _finding(line: int, rule: str, message: str) -> dict[str, Any]:
    return {"line": line, "rule": rule, "message": message}


def _line(error: BaseException, notebook: Notebook) -> int:
    """The last line of the notebook that an error came through."""
    lines = [
        f.lineno
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename == str(notebook.path) and f.lineno
    ]
    return lines[-1] if lines else 1


if __name__ == "__main__":
    source, target = (Path(argument) for argument in sys.argv[1:])
    target.write_text(json.dumps(ran(percent.read(source))), "utf-8")
