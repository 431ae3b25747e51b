"""Calls that make a notebook say something else tomorrow, or reach where a function of production must not."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CLOCK = re.compile(
    r"datetime\.datetime\.(now|today|utcnow)|datetime\.date\.today"
    r"|time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|localtime|gmtime|ctime|asctime|process_time)"
)
CHANCE = re.compile(r"random\..+|numpy\.random\..+|secrets\..+|os\.urandom|uuid\.uuid[14]")
SEEDED = re.compile(
    r"random\.Random|numpy\.random\.(default_rng|SeedSequence|Generator|PCG64|PCG64DXSM|Philox|SFC64|MT19937|RandomState)"
)
SHELL = re.compile(
    r"os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?|fork)|subprocess\..+|pty\..+|get_ipython|commands\..+"
)
NETWORK = re.compile(
    r"(requests|urllib|urllib3|http|httpx|aiohttp|socket|ftplib|smtplib|telnetlib|websockets?|paramiko|boto3|botocore|ssl)(\..*)?"
)
FILES = re.compile(
    r"open|io\.open|os\..+|shutil\..+|tempfile\..+|glob\..+|pathlib\..+|pickle\..+|shelve\..+|sqlite3\..+|fleetcast\..+"
    r"|numpy\.(load|save|savez|savez_compressed|loadtxt|savetxt|genfromtxt|fromfile|memmap)"
    r"|(polars|pandas)\.(read|scan|sink)_\w+"
)
FILE_METHODS = re.compile(
    r"(write|sink)_\w+|read_(text|bytes)|to_(csv|parquet|pickle|sql|excel|json|feather|hdf)|tofile|savefig|unlink|mkdir|rmdir"
)
CODE = re.compile(
    r"eval|exec|compile|__import__|importlib\..+|input|breakpoint|globals|locals|vars|setattr|delattr"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call by its dotted name, as far as one can be read off; `method` is its last part."""

    node: ast.Call
    name: str
    method: str

    @property
    def line(self) -> int:
        return self.node.lineno

    @property
    def seeds(self) -> list[ast.expr]:
        """What it is given, in order or by name."""
        return [*self.node.args, *(keyword.value for keyword in self.node.keywords)]


def aliases(tree: ast.AST) -> dict[str, str]:
    """What imported names stand for.

    >>> aliases(ast.parse("import numpy as np, os.path; from datetime import datetime as dt"))
    {'np': 'numpy', 'os': 'os', 'dt': 'datetime.datetime'}
    """
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def calls(tree: ast.AST, known: Mapping[str, str]) -> Iterator[Call]:
    """Every call in a piece of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func, known)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield Call(node, name, method)


def dotted(node: ast.expr, known: Mapping[str, str]) -> str:
    """The name of what is called, aliases resolved; "" where it has none, as a method of something computed."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([known.get(node.id, node.id), *reversed(parts)])


def unseeded(call: Call) -> str | None:
    """Why a call is left to chance; None where it is not, or its seed is handed to it."""
    if SEEDED.fullmatch(call.name):
        if not call.seeds or all(_nothing(seed) for seed in call.seeds):
            return f"{call.name} is given no seed"
        if all(isinstance(seed, ast.Constant) for seed in call.seeds):
            return f"{call.name} has a seed of its own"
        return None
    if CHANCE.fullmatch(call.name):
        return f"{call.name} draws from a generator that nobody seeded here"
    named = {keyword.arg for keyword in call.node.keywords}
    if call.method == "sample" and "seed" not in named and "random_state" not in named:
        return f".{call.method}() without seed= draws anew each time"
    if call.method == "shuffle" and not call.node.args and "seed" not in named:
        return ".shuffle() without seed= draws anew each time"
    return None


def _nothing(seed: ast.expr) -> bool:
    return isinstance(seed, ast.Constant) and seed.value is None
