"""Packs: many models in one artefact, as safetensors with a JSON header; nothing in it can be executed."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.models import Dumped
from fleetcast.domain.versions import canonical

_FORMAT = 1
_HEADER = "fleetcast"


def pack(models: Mapping[str, Dumped]) -> bytes:
    """One artefact of models by key; equal models give equal bytes."""
    header = {
        "format": _FORMAT,
        "models": {
            key: {"kind": model.kind, "meta": model.meta, "arrays": sorted(model.arrays)}
            for key, model in models.items()
        },
    }
    tensors = {
        _tensor(key, name): np.ascontiguousarray(array).reshape(array.shape)  # it makes 0-d into 1-d
        for key, model in models.items()
        for name, array in model.arrays.items()
    }
    for name, array in tensors.items():
        if array.dtype.kind not in "biuf":
            raise UsageError(f"array {name} holds {array.dtype}: only numbers and booleans are stored")
    return save(tensors, metadata={_HEADER: canonical(header).decode()})


def unpack(content: bytes) -> dict[str, Dumped]:
    """The models of an artefact by key."""
    try:
        tensors = load(content)
        header = _header(content)
        if header["format"] != _FORMAT:
            raise CorruptError(f"artefact of format {header['format']}: this Fleetcast reads {_FORMAT}")
        return {
            key: Dumped(
                kind=model["kind"],
                arrays={name: tensors[_tensor(key, name)] for name in model["arrays"]},
                meta=model["meta"],
            )
            for key, model in header["models"].items()
        }
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"artefact is not a pack of models: {error}") from error


def _tensor(key: str, name: str) -> str:
    return f"{key}:{name}"


def _header(content: bytes) -> Any:
    # `load` has checked the layout; it gives the tensors but not the metadata beside them
    size = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_HEADER])
