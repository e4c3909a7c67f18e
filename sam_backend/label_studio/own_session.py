"""Whose a request is, and whether the object that its sender was busy with is still there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sam_backend.label_studio.drafts import Draft
from sam_backend.label_studio.session import LastObject

UNSAVED_S = 30.0
"""How long after an answer a request without a draft is still taken for the same person's: the editor saves the first
draft some 5 s after the first region, and a quick person's second click is there before."""

SAVED_S = 10.0
"""How long after an answer the editor has surely saved a draft with it, if it is still there: twice its own delay."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One person's last object under one label of one task."""

    id: str
    """Of the session itself: one person, many objects."""

    user: str | None
    """As drafts name them; None until one has come."""

    picture: str
    """Digest of the picture and the model; elsewhere neither mask nor logits mean anything."""

    last: LastObject

    at_s: float
    """When it was answered last: seconds since 1970."""

    def is_removed(self, item_ids: Collection[str], draft: Draft, now_s: float) -> bool:
        """Whether the sender has taken the object out of the annotation, or has begun another annotation.

        Args:
            item_ids: of the prompts in the request; one of the object's own shows that it is still being drawn.
            draft: of the sender. One saved in the future shows that Label Studio's clock isn't this one: it tells
                nothing.
            now_s: seconds since 1970.
        """
        if self.last.drawn.item_ids & set(item_ids) or self.last.all_region_ids & draft.region_ids:
            return False
        return draft.saved_at_s is not None and self.at_s + SAVED_S < draft.saved_at_s <= now_s


def find_own(
    sessions: Sequence[Session], *, picture: str, item_ids: Collection[str], draft: Draft, now_s: float
) -> Session | None:
    """The session of whoever sent a request, newest first among several; None if nothing tells.

    Args:
        sessions: of all people under this label of this task, newest first.
        picture: as `Session.picture`.
        item_ids: of the prompts in the request.
        draft: in the request, which is always the sender's own. The first click on a task comes before there is one,
            and in the one that comes after it may lie the prompt alone: a mask that isn't accepted yet is in none.
        now_s: seconds since 1970.
    """
    here = [session for session in sessions if session.picture == picture]
    by_evidence: tuple[Callable[[Session], bool], ...] = (
        lambda session: bool(session.last.drawn.item_ids & set(item_ids)),
        lambda session: draft.user is not None and session.user == draft.user,
        lambda session: session.user is None and bool(session.last.all_region_ids & draft.region_ids),
        lambda session: draft.user is None and session.user is None and now_s - session.at_s <= UNSAVED_S,
    )
    return next((session for fits in by_evidence for session in here if fits(session)), None)
