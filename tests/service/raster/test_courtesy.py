import threading
import time

import numpy as np

from sam_backend.predict.predictor import Predictor
from sam_backend.service.encode_lanes import EncodeLanes
from sam_backend.service.raster.courtesy import CourteousPredictor, Courtesy
from sam_backend.types import Prompts

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_it_answers_as_the_predictor_does(tiny_predictor: Predictor) -> None:
    courteous = CourteousPredictor.of(tiny_predictor, Courtesy(EncodeLanes()))
    embedding, theirs = courteous.embed(PICTURE), tiny_predictor.embed(PICTURE)
    prompts = Prompts.of(points=[(9, 9, True)], box_xyxy=None, mask_logits=None)
    ours = courteous.segment(embedding, prompts)
    np.testing.assert_array_equal(ours.masks, tiny_predictor.segment(theirs, prompts).masks)
    points_xy = np.array([[9.0, 9.0]])
    np.testing.assert_array_equal(
        courteous.decode_points(embedding, points_xy, -np.inf).low_res_logits,
        tiny_predictor.decode_points(theirs, points_xy, -np.inf).low_res_logits,
    )


def test_each_step_waits_until_nobody_waits_for_an_answer(tiny_predictor: Predictor) -> None:
    lanes = EncodeLanes()
    courteous = CourteousPredictor.of(tiny_predictor, Courtesy(lanes))
    done = threading.Event()
    with lanes.urgent():
        threading.Thread(target=lambda: (courteous.embed(PICTURE), done.set()), daemon=True).start()
        assert not done.wait(0.3)
    assert done.wait(30)


def test_closing_waits_for_a_step_and_lets_nobody_begin_another() -> None:
    courtesy, is_in, may_leave, is_second = (
        Courtesy(EncodeLanes()),
        threading.Event(),
        threading.Event(),
        threading.Event(),
    )

    def first() -> None:
        with courtesy.step():
            is_in.set()
            may_leave.wait(30)

    def second() -> None:
        with courtesy.step():
            is_second.set()

    threading.Thread(target=first, daemon=True).start()
    assert is_in.wait(30)
    assert not courtesy.close(0.05)
    threading.Thread(target=second, daemon=True).start()
    may_leave.set()
    assert courtesy.close(30)
    time.sleep(0.05)
    assert not is_second.is_set()
