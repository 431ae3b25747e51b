"""Write the reference pages from the code they describe; with `--check`, only say whether they are still true."""

import ast
import inspect
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from fleetcast.domain import tables, views
from fleetcast.faces.cli import app
from fleetcast.settings import tree

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
NOTICE = "<!-- Written by `make docs` from the code; do not edit here. -->\n"


def main() -> int:
    pages = {"cli.md": cli(), "settings.md": settings(), "tables.md": lake(), "views.md": analysts()}
    stale = [name for name, text in pages.items() if _now(DOCS / name) != text]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/{name} no longer says what the code says: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(pages[name], "utf-8")
        print(f"docs/{name}")
    return 0


def _now(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


# ---------------------------------------------------------------------------------------------- commands


def cli() -> str:
    lines = [
        "# The command line\n",
        NOTICE,
        "Every verb takes `--workspace DIR` and, where it makes sense, `--env dev|prod` and `--json`.",
        "Progress goes to standard error: bars on a terminal, structured log lines elsewhere. Results go to standard output.\n",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | a gate failed: too few segments passed, and nothing was promoted |",
        "| 2 | wrong usage, wrong settings or wrong data; nothing was done |",
        "| 3 | infrastructure failed, or stored bytes are not what was written; trying again may help |",
        "| 4 | refused by policy |\n",
    ]
    for path, command in commands(typer.main.get_command(app.app), ()):
        lines += [f"## `fleetcast {' '.join(path)}`\n", inspect.cleandoc(command.help or ""), ""]
        lines += ["| option | meaning | default |", "|---|---|---|"]
        lines += [_option(parameter) for parameter in command.params if parameter.name != "help"]
        lines.append("")
    return "\n".join(lines)


def commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below a group that does something itself, with its path."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def _option(parameter: Any) -> str:
    default = (
        "" if parameter.default in (None, False, "") or callable(parameter.default) else parameter.default
    )
    default = str(getattr(default, "value", default))
    name = (
        parameter.opts[0]
        if parameter.param_type_name == "option"
        else (parameter.metavar or parameter.name).upper()
    )
    shown = f"`{default}`" if default else ""
    return f"| `{name}` | {parameter.help or ''} | {shown} |"


# ---------------------------------------------------------------------------------------------- settings


def settings() -> str:
    source = Path(inspect.getsourcefile(tree) or "")
    remarks = _remarks(source)
    classes = {
        node.name: node
        for node in ast.parse(source.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    lines = [
        "# Settings: `fleetcast.toml`\n",
        NOTICE,
        "A workspace is described by one file. Its first line is `schema = 1`. An unknown key is an error, and all problems",
        "are reported at once, each with its line and what to write instead. What is not written has the default given here.\n",
    ]
    for name, node in classes.items():
        if name == "Branch":
            continue
        lines += [
            f"## {_heading(name)}\n",
            f"{ast.get_docstring(node)}\n",
            "| key | type | default | |",
            "|---|---|---|---|",
        ]
        lines += [_setting(field, remarks) for field in node.body if isinstance(field, ast.AnnAssign)]
        lines.append("")
    return "\n".join(lines)


def _remarks(source: Path) -> dict[int, str]:
    with source.open("rb") as code:
        tokens = [token for token in tokenize.tokenize(code.readline) if token.type == tokenize.COMMENT]
    return {token.start[0]: token.string.removeprefix("#").strip() for token in tokens}


def _heading(name: str) -> str:
    places = {
        "Settings": "Top level",
        "SourceSettings": "`[sources.<name>]`",
        "PullSettings": "`[sources.<name>.pull]`",
        "PageSettings": "`[sources.<name>.pull]`: `pages = { … }`",
        "HolidaySettings": "`[sources.<name>.pull]`: `holidays = { … }`",
        "WeatherSettings": "`[sources.<name>.pull]`: `weather = { … }`",
        "ColumnSettings": "`[sources.<name>.columns]`: `<column> = { … }`",
        "CovariateSettings": "`[covariates.<name>]`",
        "ChannelSettings": "`[alerts.channels.<name>]`",
        "WebhookSettings": "`[webhooks.<source>]`",
        "EnvironmentSettings": "`[environments.<dev|prod>]`",
        "MoverSettings": "`[segments.mover]`",
        "FeatureSettings": "`[training.features]`",
        "OidcSettings": "`[serve.oidc]`",
        "OidcGroupSettings": "`[[serve.oidc.groups]]`",
    }
    branches = {field.annotation: key for key, field in tree.Settings.model_fields.items()}
    return places.get(name) or f"`[{branches[getattr(tree, name)]}]`"


def _setting(field: ast.AnnAssign, remarks: dict[int, str]) -> str:
    key = ast.unparse(field.target).rstrip("_")
    kind = ast.unparse(field.annotation).replace("|", "\\|")
    default = _default(field.value)
    remark = next((remarks[n] for n in range(field.lineno, (field.end_lineno or 0) + 1) if n in remarks), "")
    return f"| `{key}` | `{kind}` | {default} | {remark.replace('|', chr(92) + '|')} |"


def _default(value: ast.expr | None) -> str:
    if value is None:
        return "required"
    if not isinstance(value, ast.Call):
        return "" if isinstance(value, ast.Dict) else f"`{ast.unparse(value)}`"
    if ast.unparse(value.func) != "Field":
        return "its defaults"
    limits = " ".join(
        f"{word.arg} {ast.unparse(word.value)}" for word in value.keywords if word.arg != "alias"
    )
    default = f"`{ast.unparse(value.args[0])}`" if value.args else "required"
    return f"{default}, {limits}" if limits else default


# ------------------------------------------------------------------------------------------------ tables


def analysts() -> str:
    lines = [
        "# The views of `fleetcast export sql`\n",
        NOTICE,
        f"Version {views.VERSION}. Each view also has `environment`. A column is never taken away or given another meaning",
        "within a version. Units are per week, rates fractions, moments UTC.\n",
    ]
    for view in views.VIEWS:
        key = ", ".join(f"`{column}`" for column in view.key)
        lines += [f"## {view.name}\n", f"{view.about}\n", f"Key: {key}.\n", "| column | kind |", "|---|---|"]
        lines += [f"| `{name}` | {kind} |" for name, kind in view.columns.items()] + [""]
    return "\n".join(lines)


def lake() -> str:
    found = [table for table in vars(tables).values() if isinstance(table, tables.Table)]
    lines = [
        "# The tables of the lake\n",
        NOTICE,
        "Each table has a contract that is checked once, when it is written. `fleetcast export tables` writes them as",
        "standard files: one per table, UTF-8, comma, ISO dates, with exactly these columns.\n",
        "`known_at` is when a row was known, in UTC: never the time of processing. A correction adds a row with the same",
        "key and a later `known_at`; as of a moment, of each key the last row known by then holds.\n",
    ]
    for table in found:
        about = inspect.cleandoc(table.contract.__doc__ or "")
        lines += [
            f"## {table.name}\n",
            f"{about}\n",
            f"Key: {', '.join(f'`{column}`' for column in table.key)}.\n",
        ]
        lines += ["| column | type | may be empty |", "|---|---|---|"]
        for name, column in table.contract.to_schema().columns.items():
            lines.append(f"| `{name}` | {column.dtype} | {'yes' if column.nullable else ''} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
