SEGMENT = "region-01/large/fast/c01"


def test_models_are_compared_as_many_as_one_likes(pages):
    names = [
        f"region-{n:02d}/{size}/{mover}/c01"
        for n in (1, 2, 3)
        for size in ("large", "small")
        for mover in ("fast", "slow")
    ]
    page = pages.get("/dev/compare", params={"m": [f"{name}@2026w46-1" for name in names]})
    assert page.status_code == 200
    assert all(name in page.text for name in names)
    assert "no row in common" in page.text


def test_one_series_is_drawn_with_what_each_model_said(pages):
    page = pages.get("/dev/compare", params={"m": f"{SEGMENT}@2026w46-1", "series": "S01-l01/fast-02"}).text
    assert "fast-02 at S01-l01" in page
    assert 'class="letter"' in page


def test_a_contender_of_another_region_cannot_be_named(pages_of):
    asked = {"m": f"{SEGMENT}@2026w46-1"}
    assert pages_of("scientist", "region-02").get("/dev/compare", params=asked).status_code == 404
