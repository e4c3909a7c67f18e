import pytest

from sam_backend.errors import SettingsError
from sam_backend.settings import Settings


def test_cache_is_in_memory_unless_said_otherwise() -> None:
    read = Settings.from_env({})
    assert (read.cache_url, read.cache_disk_mb) == ("memory", 4000)


@pytest.mark.parametrize("url", ["memory", "file:///var/cache/sam", "redis://:secret@redis:6379/0", "rediss://redis"])
def test_cache_may_be_in_memory_in_a_folder_or_in_redis(url: str) -> None:
    read = Settings.from_env({"SAM_CACHE_URL": url, "SAM_CACHE_DISK_MB": "100"})
    assert (read.cache_url, read.cache_disk_mb) == (url, 100)
    assert "secret" not in repr(read)


@pytest.mark.parametrize("url", ["disk", "file://", "file:///", "file://relative", "ftp://:secret@host", "redis://"])
def test_cache_that_makes_no_sense_is_refused_without_showing_passwords(url: str) -> None:
    with pytest.raises(SettingsError, match=r"SAM_CACHE_URL=.* is no cache: give memory") as caught:
        Settings.from_env({"SAM_CACHE_URL": url})
    assert "secret" not in str(caught.value)
