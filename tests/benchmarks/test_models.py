from importlib import import_module
from pathlib import Path

import pytest

import benchmarks
from fleetcast.models.lasso import Lasso
from fleetcast.models.net import Net


@pytest.fixture
def script(monkeypatch):
    """The benchmark as it is when it runs as a script, beside its own modules."""
    monkeypatch.syspath_prepend(str(Path(benchmarks.__path__[0])))
    return import_module("models")


def test_made_models_are_registered_released_and_made_live_as_real_ones_are(tmp_path, script):
    w, _ = script.made_fleet.fill(tmp_path / "fleet", script.Size(1, 8, 20, 80), 2026)
    small = next(script.examples(w))
    empty, _ = script.made_fleet.fill(tmp_path / "empty", script.Size(1, 1, 1, 60), 2026)
    script.kept(empty, 3, {"lasso": Lasso().fit(small), "net": Net().fit(small, seed=1)})
    assert len(empty.registry.releases.current().manifest.members) == 3
