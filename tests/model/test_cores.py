import os
import threading
from collections.abc import Iterator

import pytest
import torch

from sam_backend.model.cores import map_on_cores, mkl_of_pytorch


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_the_order_of_the_parts() -> None:
    assert map_on_cores(lambda part: part * part, range(50)) == [part * part for part in range(50)]
    assert map_on_cores(str, []) == []


def test_two_parts_are_worked_on_at_once_each_with_one_core() -> None:
    both_are_here = threading.Barrier(2)

    def meet(_: int) -> int:
        both_are_here.wait(timeout=30)
        return torch.get_num_threads()

    assert map_on_cores(meet, range(4)) == [1, 1, 1, 1]
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="this PyTorch multiplies without MKL")
def test_a_part_multiplies_on_its_core_alone() -> None:
    """Else the products of two parts take almost twice as long: four threads wait for each other on two cores."""
    mkl = mkl_of_pytorch()
    assert map_on_cores(lambda _: mkl.MKL_Get_Max_Threads(), range(4)) == [1, 1, 1, 1]
    assert mkl.MKL_Get_Max_Threads() == 2


def test_threads_born_later_keep_all_cores() -> None:
    map_on_cores(lambda part: part, range(4))
    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert counts == [2]


def test_a_single_part_keeps_all_cores() -> None:
    assert map_on_cores(lambda _: torch.get_num_threads(), [0]) == [2]


def test_parts_are_in_the_mode_of_the_caller() -> None:
    def mode(_: int) -> tuple[bool, bool]:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    with torch.inference_mode():
        assert map_on_cores(mode, range(3)) == [(True, False)] * 3
    with torch.no_grad():
        assert map_on_cores(mode, range(3)) == [(False, False)] * 3
    assert map_on_cores(mode, range(3)) == [(False, True)] * 3


def test_parts_of_parts_stay_on_their_core() -> None:
    def whole(part: int) -> list[str]:
        return map_on_cores(lambda _: threading.current_thread().name, [part, part])

    assert all(len(set(names)) == 1 for names in map_on_cores(whole, range(4)))


def test_what_goes_wrong_in_a_part_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        map_on_cores(lambda part: 1 // part, [1, 0, 1])


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # Python 3.12 warns of what is tested here
def test_a_forked_process_gets_threads_of_its_own() -> None:
    map_on_cores(lambda part: part, range(4))
    child = os.fork()
    if child == 0:
        os._exit(0 if map_on_cores(lambda part: part, range(4)) == [0, 1, 2, 3] else 1)
    assert os.waitpid(child, 0)[1] == 0
