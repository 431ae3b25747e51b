"""The Python client: what a server says, typed; held against a real server and its document."""

import socket
import threading
import typing

import pytest
import uvicorn

from fleetcast.client import Client, shapes
from fleetcast.domain.errors import InfrastructureError, NotFound, PolicyRefusal, UsageError
from fleetcast.people.roles import Role


@pytest.fixture(scope="module")
def url(served):
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(served.app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    bound.close()


def client(served, url: str, regions: str = "all", role: Role = Role.engineer) -> Client:
    return Client(url, served.tokens[role, regions])


def test_every_answer_has_the_keys_that_its_type_promises(served, url):
    c = client(served, url)
    answer = c.score(["east-1"], ["00001"])
    told = {
        shapes.Me: c.me(),
        shapes.SeriesForecast: c.forecast("east-1", "00001"),
        shapes.Order: next(c.orders()),
        shapes.Model: next(c.models()),
        shapes.Run: next(c.runs()),
        shapes.TableVersion: c.tables()[0],
        shapes.Quality: c.quality()[0],
        shapes.Answer: answer,
        shapes.Scored: answer["rows"][0],
        shapes.Numbers: answer["rows"][0]["forecast"],
    }
    for shape, value in told.items():
        assert value.keys() == typing.get_type_hints(shape).keys(), shape


def test_a_list_is_asked_for_page_by_page(served, url, monkeypatch):
    monkeypatch.setattr("fleetcast.client.client.PAGE", 10)
    rows = list(client(served, url).forecasts())
    assert len(rows) == 32
    assert len({(row["store"], row["product"], row["week"]) for row in rows}) == 32


def test_orders_are_those_of_the_regions_granted(served, url):
    assert {order["region"] for order in client(served, url, "east").orders()} == {"east"}
    assert list(client(served, url, "east").orders(region="west")) == []


def test_a_refusal_is_an_error_in_the_servers_words(served, url, tmp_path):
    file = tmp_path / "more.csv"
    file.write_text("week,store\n")
    with pytest.raises(NotFound, match="west-1"):
        client(served, url, "east").forecast("west-1", "00001")
    with pytest.raises(UsageError, match="no store"):
        client(served, url).score(["nowhere"])
    with pytest.raises(UsageError, match=r"more\.csv"):
        client(served, url).condition("deliveries", file)
    with pytest.raises(PolicyRefusal, match="another role"):
        client(served, url, role=Role.planner).condition("deliveries", file)
    with pytest.raises(PolicyRefusal, match="sign in"):
        Client(url, "fleetcast_made-up").me()


def test_a_server_that_is_not_there_is_told_and_the_token_is_not(url, monkeypatch):
    monkeypatch.setattr("fleetcast.client.asking.TRIES", 0)
    with pytest.raises(InfrastructureError, match="cannot be asked") as error:
        Client("http://127.0.0.1:9", "fleetcast_secret").me()
    assert "fleetcast_secret" not in f"{error.value}{Client(url, 'fleetcast_secret')._asking!r}"
