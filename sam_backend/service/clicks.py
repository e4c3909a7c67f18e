"""One object's prompts made into its mask: with what was said of it before, and a second look if it is small."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sam_backend.label_studio.drafts import Draft
from sam_backend.label_studio.own_session import Session, find_own
from sam_backend.label_studio.region_id import new_region_id
from sam_backend.label_studio.session import (
    Decision,
    answered,
    decide,
    drawn_of,
    wanted_reading,
)
from sam_backend.label_studio.session_codec import rounded
from sam_backend.label_studio.smart_prompt import SmartPrompt
from sam_backend.predict.heed import heeding, n_contradicted
from sam_backend.predict.zoom import second_look
from sam_backend.service.embedder import Embedder, SeenPicture
from sam_backend.service.encode_lanes import EncodesBusyError
from sam_backend.service.patience import Patience
from sam_backend.service.session_book import Place, SessionBook
from sam_backend.types import MaskPrediction, Prompts

_WAIT_FOR_SECOND_LOOK_S = 10.0
"""There is an answer already; a sharper one isn't worth a long wait."""


@dataclass(frozen=True, slots=True, eq=False)
class ObjectAnswer:
    """One object as it stands after the click."""

    region_id: str
    """That of the region it replaces, if it refines one."""

    is_refined: bool
    mask: NDArray[np.bool_]
    """(h, w) in image px. True = object."""

    predicted_iou: float
    prompts: Prompts
    """All that pointed at it, in image px."""

    n_prompts: int
    """Clicks and boxes that were drawn for it so far, repetitions and all."""


@dataclass(frozen=True, slots=True)
class ClickAnswerer:
    """Built once, used by many threads."""

    embedder: Embedder
    sessions: SessionBook
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""

    def answer(
        self,
        picture: SeenPicture,
        prompt: SmartPrompt,
        draft: Draft,
        place: Place,
        patience: Patience,
        *,
        may_choose: bool = True,
    ) -> ObjectAnswer | None:
        """Segment the object that a prompt is about; None if it names none.

        Args:
            picture: that it was drawn on.
            prompt: of one object.
            draft: of the sender.
            place: where the sender's session is kept.
            patience: of the sender.
            may_choose: whether a single click, which may mean whole, part or sub-part, gets the best of three masks.
        """
        image_hw = picture.embedding.image_hw
        new = drawn_of(prompt, image_hw)
        now_s = self.clock()
        own = find_own(
            self.sessions.read(place), picture=picture.digest, item_ids=new.item_ids, draft=draft, now_s=now_s
        )
        last = None if own is None or own.is_removed(new.item_ids, draft, now_s) else own.last
        its_ids = frozenset() if last is None else last.all_region_ids
        decision = decide(last, new, lambda click: draft.holds(click, image_hw, but_of=its_ids))
        prompts = decision.to_prompts()
        if prompts is None:
            return None
        first = _first_look(picture, prompts, decision, may_choose=may_choose)
        shown = self._look_again(picture, prompts, decision, first, patience)
        region_id = decision.region_id or new_region_id()
        logits = rounded(first.low_res_logits[0])  # one worker or several: the next answer starts from the same
        after = answered(decision, last, region_id, shown.masks[0], logits)
        session = Session(
            id=uuid.uuid4().hex if own is None else own.id,
            user=draft.user if own is None or draft.user is not None else own.user,
            picture=picture.digest,
            last=after,
            at_s=self.clock(),
        )
        self.sessions.write(place, session)
        return ObjectAnswer(
            region_id=region_id,
            is_refined=decision.region_id is not None,
            mask=shown.masks[0],
            predicted_iou=float(shown.predicted_iou[0]),
            prompts=prompts,
            n_prompts=len(decision.drawn.clicks) + (decision.drawn.box is not None),
        )

    def _look_again(
        self, picture: SeenPicture, prompts: Prompts, decision: Decision, first: MaskPrediction, patience: Patience
    ) -> MaskPrediction:
        if decision.step:
            return first  # the reading was chosen by hand
        short = patience.but_at_most(_WAIT_FOR_SECOND_LOOK_S)
        try:
            second = second_look(
                picture.predictor, first, prompts, embed_crop=lambda crop: self.embedder.see_crop(picture, crop, short)
            )
        except EncodesBusyError:
            return first
        if second is None or n_contradicted(second.masks, prompts)[0] > n_contradicted(first.masks, prompts)[0]:
            return first
        return second


def _first_look(picture: SeenPicture, prompts: Prompts, decision: Decision, *, may_choose: bool) -> MaskPrediction:
    """The one mask that is wanted, from the whole picture."""
    is_ambiguous = len(prompts.points_xy) == 1 and prompts.box_xyxy is None and prompts.mask_logits is None
    wants_three = decision.step > 0 or (is_ambiguous and may_choose)
    choose = partial(wanted_reading, step=decision.step)
    first = picture.predictor.segment_one(picture.embedding, prompts, choose, multimask=wants_three)
    if decision.step or len(prompts.points_xy) < 2:
        return first
    return heeding(picture.predictor, picture.embedding, prompts, first)
