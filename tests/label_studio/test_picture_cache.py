import pytest

from sam_backend.label_studio.picture_cache import FRESH_S, FetchedPicture, PictureCache


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_picture_that_is_no_longer_fresh_is_asked_for_with_its_version() -> None:
    clock, asked = Clock(), []
    cache = PictureCache(100, clock)
    picture = FetchedPicture(b"data", etag='"1"', last_modified="Mon")
    cache.get("a", lambda _: picture)

    def unchanged(known: FetchedPicture | None) -> FetchedPicture:
        asked.append(known)
        assert known is not None
        return known

    clock.now_s = FRESH_S + 1
    assert cache.get("a", unchanged) is picture
    assert cache.get("a", unchanged) is picture
    assert asked == [picture]
    assert picture.conditions == {"If-None-Match": '"1"', "If-Modified-Since": "Mon"}
    assert cache.held_bytes == 4


def test_picture_that_never_changes_stays_fresh() -> None:
    clock = Clock()
    cache = PictureCache(100, clock)
    picture = cache.get("a", lambda _: FetchedPicture(b"data"), never_changes=True)
    clock.now_s = 1e6
    assert cache.get("a", lambda _: pytest.fail("asked again")) is picture


def test_oldest_goes_first_and_no_more_than_the_capacity_is_held() -> None:
    cache = PictureCache(10, Clock())
    for name in ("a", "b", "a", "c"):
        cache.get(name, lambda _: FetchedPicture(b"12345"))
    assert (cache.held_bytes, len(cache)) == (10, 2)
    assert cache.get("a", lambda _: pytest.fail("a was used last")).data == b"12345"
    assert cache.get("b", lambda _: FetchedPicture(b"new")).data == b"new"


def test_picture_beyond_the_capacity_is_handed_out_but_not_kept() -> None:
    cache = PictureCache(3, Clock())
    assert cache.get("a", lambda _: FetchedPicture(b"1234")).data == b"1234"
    assert (cache.held_bytes, len(cache)) == (0, 0)


def test_error_drops_what_was_kept_and_is_not_kept_itself() -> None:
    clock = Clock()
    cache = PictureCache(10, clock)
    cache.get("a", lambda _: FetchedPicture(b"1"))
    clock.now_s = FRESH_S + 1

    def fail(_: FetchedPicture | None) -> FetchedPicture:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        cache.get("a", fail)
    assert cache.held_bytes == 0
    assert cache.get("a", lambda known: FetchedPicture(b"2") if known is None else known).data == b"2"


def test_content_is_hashed_once() -> None:
    picture = FetchedPicture(b"data")
    assert picture.sha256 is picture.sha256
    assert len(picture.sha256) == 32
