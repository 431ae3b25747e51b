import pytest

from fleetcast.sources.sample import Retailer, simulate
from fleetcast.testing.retailer import TinyRetailer, tiny_retailer


@pytest.fixture(scope="session")
def retailer() -> Retailer:
    """Four regions, the erratic one among them."""
    return simulate(regions=4, stores=6, products=10, weeks=130)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> TinyRetailer:
    """All fourteen regions, so all layouts, with few stores."""
    return tiny_retailer(tmp_path_factory.mktemp("demo"), regions=14, stores=4, products=6, weeks=110)
