"""Pulling over HTTP: pages, what is new, secrets."""

import json

import pytest
from tests.sources.conftest import declared

from fleetcast.domain.errors import InfrastructureError, SourceError, UsageError
from fleetcast.settings import SourceSettings
from fleetcast.sources import web
from fleetcast.testing.server import Reply

ROW = {"week": "2026-11-09", "store": "00042", "product": "P1", "delivered": 3.5}
CSV = "week,store,product,delivered\n2026-11-09,S1,P1,3\n"


def sales(server, path="/v1/sales", **pull) -> SourceSettings:
    fields = {key: pull.pop(key) for key in ("format", "rows") if key in pull}
    return declared(path="", pull={"url": f"{server.url}{path}", **pull}, **fields)


def page(*rows, **more):
    return Reply(json.dumps({"items": rows, **more}).encode())


def paged(server, **pages):
    return sales(server, format="json", rows="items", pages=pages)


def test_an_answer_is_kept_as_it_came_under_a_name_that_says_what_was_asked_and_when(server, question):
    server.at("/v1/sales", Reply(CSV.encode()))
    [(name, path)] = web.pull(question(sales(server))).files
    assert path.read_text() == CSV
    assert name == f"{server.url[7:].replace(':', '-')}/v1-sales/20261117T060000Z-1.csv"


def test_what_came_before_is_not_kept_again(server, question):
    server.at("/v1/sales", Reply(CSV.encode()))
    first = web.pull(question(sales(server)))
    assert web.pull(question(sales(server), marks=first.marks)).files == []


def test_what_goes_back_to_an_earlier_content_is_news(server, question):
    other = CSV.replace(",3\n", ",4\n")
    server.at("/v1/sales", Reply(CSV.encode()), Reply(other.encode()), Reply(CSV.encode()))
    marks, kept = None, []
    for _ in range(3):
        made = web.pull(question(sales(server), marks=marks))
        marks, kept = made.marks, [*kept, *made.files]
    assert [path.read_text() for _, path in kept] == [CSV, other, CSV]


@pytest.mark.parametrize(
    ("body", "told"),
    [("<html>Please sign in</html>\n", "header"), ("", None), (CSV.partition("\n")[0] + "\n", None)],
)
def test_an_answer_that_cannot_be_read_fails_and_one_without_rows_says_nothing(server, question, body, told):
    server.at("/v1/sales", Reply(body.encode()))
    if told is None:
        assert web.pull(question(sales(server))).files == []
    else:
        with pytest.raises(SourceError, match=told):
            web.pull(question(sales(server)))


def test_a_server_that_knows_what_was_sent_sends_nothing(server, question):
    server.at(
        "/v1/sales",
        Reply(CSV.encode(), headers={"ETag": '"7"', "Last-Modified": "Tue, 17 Nov 2026 05:00:00 GMT"}),
    )
    first = web.pull(question(sales(server)))
    assert web.pull(question(sales(server), marks=first.marks)) == web.Pulled([], first.marks)
    assert server.asked[1].headers["if-none-match"] == '"7"'
    assert server.asked[1].headers["if-modified-since"] == "Tue, 17 Nov 2026 05:00:00 GMT"


def test_pages_are_found_by_the_header_link(server, question):
    link = f'<{server.url}/v1/sales?after=1>; rel="next", <{server.url}/v1/sales>; rel="first"'
    server.answers(
        "/v1/sales", lambda asked: Reply(CSV.encode(), headers={} if asked.query else {"Link": link})
    )
    made = web.pull(question(sales(server, pages={"by": "link"})))
    assert [name[-6:] for name, _ in made.files] == ["-1.csv", "-2.csv"]


def test_pages_are_found_by_a_field_of_the_answer(server, question):
    pages = {"": page(ROW, next="?cursor=b"), "b": page(ROW, ROW, next=None)}
    server.answers("/v1/sales", lambda asked: pages[asked.query.get("cursor", "")])
    assert len(web.pull(question(paged(server, by="field", name="next"))).files) == 2


def test_pages_are_counted_until_one_has_no_rows(server, question):
    pages = {"0": page(ROW), "1": page(ROW, ROW), "2": page()}
    server.answers("/v1/sales", lambda asked: pages[asked.query["page"]])
    assert len(web.pull(question(paged(server, by="number", name="page", first=0))).files) == 2


def test_only_pages_that_changed_are_kept(server, question):
    pages = {"1": page(ROW), "2": page(ROW, ROW), "3": page()}
    server.answers("/v1/sales", lambda asked: pages[asked.query["page"]])
    settings = paged(server, by="number", name="page")
    first = web.pull(question(settings))
    pages["2"] = page(ROW, ROW | {"store": "7"})
    (name, _), *more = web.pull(question(settings, marks=first.marks)).files
    assert name.endswith("-2.json")
    assert not more


def test_a_pull_that_loses_a_page_takes_none(server, question):
    server.answers("/v1/sales", lambda asked: Reply(status=500) if asked.query["page"] == "2" else page(ROW))
    with pytest.raises(InfrastructureError, match="it answers 500"):
        web.pull(question(paged(server, by="number", name="page"), tries=2))


@pytest.mark.parametrize(
    ("following", "told"),
    [("http://127.0.0.2/sales", "elsewhere"), ("file:///etc/passwd", "elsewhere"), ("/v1/sales", "circle")],
)
def test_an_answer_cannot_send_us_anywhere_else(server, question, following, told):
    server.at("/v1/sales", page(ROW, next=following))
    with pytest.raises(SourceError, match=told):
        web.pull(question(paged(server, by="field", name="next")))


def test_pages_without_end_end(server, question):
    server.answers("/v1/sales", lambda asked: page(ROW, next=f"?n={int(asked.query.get('n', 0)) + 1}"))
    with pytest.raises(SourceError, match="after 5 pages"):
        web.pull(question(paged(server, by="field", name="next", most=5)))


def test_secrets_are_sent_and_never_shown(server, question):
    server.at("/v1/sales", Reply(CSV.encode()))
    settings = sales(server, "/v1/sales?key={env:KEY}", headers={"Authorization": "Bearer {env:TOKEN}"})
    asked = question(settings, environment={"KEY": "k3y", "TOKEN": "t0ken"})
    made = web.pull(asked)
    assert server.asked[0].headers["authorization"] == "Bearer t0ken"
    assert server.asked[0].query == {"key": "k3y"}
    assert "k3y" not in f"{made}{asked}"


def test_a_secret_that_is_not_set_is_named(server, question):
    with pytest.raises(UsageError, match="variable TOKEN is not set"):
        web.pull(question(sales(server, headers={"Authorization": "{env:TOKEN}"})))
