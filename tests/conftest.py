"""What holds for every test: one BLAS thread, no settings of the person at the keyboard, no deadlines, and in CI no skips."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings
from tests import postgres

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")  # frames of tests are small: two threads cost a quarter more
for name in [name for name in os.environ if name.startswith("FLEETCAST_")]:
    del os.environ[name]

settings.register_profile(
    "fleetcast", deadline=None
)  # seconds say more about the machine than about the code
settings.load_profile("fleetcast")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """A PostgreSQL server, started when a test first asks for it."""
    with postgres.server() as server:
        yield server


IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: `.ci/run` installs what tests need, so a skipped test is one nobody ran."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if IN_CI and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report
