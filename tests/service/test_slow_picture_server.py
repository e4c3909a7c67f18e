"""A server of pictures that doesn't answer: it stops those who want its pictures, and nobody else."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from click_bodies import click_body
from flask.testing import FlaskClient
from people import data_uri

from sam_backend.service.fetch_seats import FetchesBusyError, FetchSeats


class MuteServer:
    """Takes connections and says nothing."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def wait_for_one(self) -> None:
        self._listening.settimeout(20)
        self._taken.append(self._listening.accept()[0])

    def close(self) -> None:
        for one in (*self._taken, self._listening):
            one.close()


@pytest.fixture
def mute() -> Iterator[MuteServer]:
    with closing(MuteServer()) as server:
        yield server


def test_clicks_on_pictures_that_are_here_are_answered_while_a_server_is_down(
    start: Callable[..., FlaskClient], mute: MuteServer
) -> None:
    client = start(threads=4, allowed_hosts=("127.0.0.1",), fetch_timeout_s=60)
    with ThreadPoolExecutor(1) as threads:
        post = client.application.test_client().post
        first = threads.submit(post, "/predict", json=click_body(f"{mute.url}/1.png"))
        mute.wait_for_one()
        second = client.post("/predict", json=click_body(f"{mute.url}/2.png"))
        assert second.status_code == 503
        assert "as many pictures as may be fetched at once are (1)" in second.get_json()["error"]
        assert int(second.headers["Retry-After"]) >= 1
        assert client.post("/predict", json=click_body(data_uri(1))).get_json()["results"][0]["result"]
        mute.close()
        assert first.result(60).status_code == 502


def test_seat_is_waited_for_a_moment() -> None:
    seats, taken = FetchSeats(1, wait_s=30), threading.Event()

    def hold() -> None:
        with seats.take():
            taken.set()

    with seats.take():
        thread = threading.Thread(target=hold)
        thread.start()
        assert not taken.wait(0.05)
    assert taken.wait(20)
    thread.join()


def test_whoever_finds_no_seat_learns_so() -> None:
    seats = FetchSeats(1, wait_s=0)
    with seats.take(), pytest.raises(FetchesBusyError), seats.take():
        pytest.fail("there was one seat")
    with seats.take():
        pass
