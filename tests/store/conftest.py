"""Every kind of store, and a Redis of our own on a free port."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_server import running_redis

from sam_backend.store.byte_store import ByteStore
from sam_backend.store.disk import DiskStore
from sam_backend.store.memory import MemoryStore
from sam_backend.store.redis_store import RedisStore


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["memory", "disk", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ByteStore:
    if request.param == "memory":
        return MemoryStore(capacity_bytes=1_000_000)
    if request.param == "disk":
        return DiskStore(tmp_path / "cache", capacity_bytes=10_000_000)
    return RedisStore(request.getfixturevalue("redis_url"))
