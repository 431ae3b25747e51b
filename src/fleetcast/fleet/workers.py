"""What holds inside a worker, on whatever machine: one thread per engine, how memory is kept, and how much is in use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Two BLAS threads cost 2–6 times the CPU on matrices this small. An engine reads it when it is imported, and never again.
ONE_BLAS_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SINGLE_THREAD = ONE_BLAS_THREAD | {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
# Polars' allocator (jemalloc) keeps pages that it may need again, unless told otherwise for ever, and those of each arena apart.
_RETURNED = "dirty_decay_ms:100,muzzy_decay_ms:0"
FREED_MEMORY = {"_RJEM_MALLOC_CONF": _RETURNED}
WORKER = SINGLE_THREAD | {"_RJEM_MALLOC_CONF": f"narenas:1,{_RETURNED}"}
LOOK = 0.05  # seconds between two looks at a worker's memory: what grows by 1 GB/s is seen 50 MB later
OVER = "it needed more than {} MB of memory (memory_limit_mb)"

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MB = 2**20


class _Here:
    is_worker = False


def become_worker() -> None:
    """From now on this process works for another one."""
    _Here.is_worker = True


def is_worker() -> bool:
    """Whether this process works for another one."""
    return _Here.is_worker


@contextmanager
def as_workers() -> Iterator[None]:
    """Workers started meanwhile inherit it; an engine reads it when it is imported, before any code of ours runs there."""
    before = {name: os.environ.get(name) for name in WORKER}
    os.environ.update(WORKER)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def memory_mb(pid: int) -> float:
    """Memory of a process that no file backs, in MB; 0 where the system does not say, or the process is gone."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text("ascii").split()
    except OSError:
        return 0.0
    return (int(resident) - int(shared)) * _PAGE / _MB


def out_of_memory_kills() -> int:
    """How many processes the kernel of this machine has killed for want of memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
