"""The project's folder: what Power BI Desktop opens (`Fleetcast.pbip`), beside the model and the report it names."""

import json
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import UsageError
from fleetcast.reading.powerbi import model, report
from fleetcast.reading.powerbi.model import Place

NAME = "Fleetcast"
FABRIC = "https://developer.microsoft.com/json-schemas/fabric"


def files(place: Place) -> dict[str, str]:
    """Every file of the project, by path."""
    of_model, of_report = f"{NAME}.SemanticModel", f"{NAME}.Report"
    values = {
        f"{NAME}.pbip": _of(
            "pbip/pbipProperties", version="1.0", artifacts=[{"report": {"path": of_report}}], settings={}
        ),
        f"{of_model}/definition.pbism": _of(
            "item/semanticModel/definitionProperties", version="4.0", settings={}
        ),
        f"{of_report}/definition.pbir": _of(
            "item/report/definitionProperties",
            version="4.0",
            datasetReference={"byPath": {"path": f"../{of_model}"}},
        ),
        **{f"{of_report}/definition/{path}": value for path, value in report.files().items()},
    }
    texts = {f"{of_model}/definition/{path}": text for path, text in model.files(place).items()}
    return texts | {
        path: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for path, value in values.items()
    }


def write(folder: Path, place: Place) -> list[Path]:
    """Write the project; UsageError where the folder has something else, which stays as it is."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / f"{NAME}.pbip").exists():
        raise UsageError(f"{folder} has other files; name a folder that is empty, or has an earlier project")
    written = []
    for name, text in files(place).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
        written.append(path)
    return written


def _of(schema: str, **value: Any) -> dict[str, Any]:
    return {"$schema": f"{FABRIC}/{schema}/1.0.0/schema.json", **value}
