"""Content versions: digests that name exactly the bytes a run read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: equal values, equal bytes."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(value: object) -> str:
    """Digest of a value made of dicts, lists, strings, numbers, booleans and None."""
    return digest(canonical(value))


@dataclass(frozen=True, slots=True, order=True)
class Leaf:
    """The digest of one table's rows in one partition and week ("" where a table has no weeks)."""

    partition: str
    week: str
    digest: str
    rows: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The exact content versions of all tables a run reads: table name → content version."""

    tables: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, tables: Mapping[str, str]) -> "Snapshot":
        return cls(tuple(sorted(tables.items())))

    def __getitem__(self, table: str) -> str:
        return dict(self.tables)[table]

    def __contains__(self, table: object) -> bool:
        return table in dict(self.tables)

    @property
    def digest(self) -> str:
        return digest_of(dict(self.tables))
