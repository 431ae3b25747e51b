"""The document's examples: one of every operation, true to its schema, and of the shape of real answers."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.faces.api.test_versions import addresses, degraded, get
from tests.faces.asked import ask

from fleetcast.faces import server
from fleetcast.faces.api.examples import EXAMPLES
from fleetcast.people.roles import Role

DOCUMENT = json.loads(json.dumps(server.document()))
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
FREE = {"manifest", "evidence", "account", "supposed", "lineage"}  # mappings whose names are nobody's promise
SENT = {
    "/{env}/score": ("/dev/score", b'{"stores": ["east-1"], "products": ["00001"]}'),
    "/{env}/condition/{source}": (
        "/dev/condition/deliveries?name=more.csv",
        b"week,store,product,delivered\n2026-11-16,east-1,00001,x\n",
    ),
}


def contents(method: str, path: str) -> list[dict[str, Any]]:
    """Every body and answer of an operation, each with its schema and its example."""
    operation = DOCUMENT["paths"][path][method]
    parts = [*operation["responses"].values(), operation.get("requestBody", {})]
    return [content for part in parts for content in part.get("content", {}).values()]


def answer(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]["example"]


def shape(value: Any) -> Any:
    """The names in a value; of a list, those of its first item, and of what may hold any name, none."""
    if isinstance(value, dict):
        return {name: None if name in FREE else shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def alike(one: Any, other: Any) -> bool:
    """Whether two shapes have the same names wherever both have any."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return alike(one[0], other[0])
    return one is None or other is None


def test_there_is_one_of_every_operation():
    assert set(EXAMPLES) == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_example_is_what_its_schema_says(method, path):
    for content in contents(method, path):
        schema = content["schema"] | {"components": DOCUMENT["components"]}
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(content["example"])


def test_real_answers_have_the_shape_of_the_examples(serving):
    degraded(serving.w)
    for path, address in addresses(serving.w).items():
        real = shape(get(serving, address).json)
        assert real, path
        assert alike(real, shape(answer("get", path))), (path, real)


@pytest.mark.parametrize("path", SENT)
def test_so_have_answers_to_what_is_sent(serving, path):
    to, body = SENT[path]
    token, headers = serving.tokens[Role.engineer, "all"], {"content-type": "application/json"}
    real = ask(serving.app, "POST", f"/api/v1{to}", token=token, headers=headers, body=[body])
    assert real.status == 200
    assert alike(shape(real.json), shape(answer("post", path))), real.json
