"""What objects carry of the features that asked for them."""

import pytest

from sam_backend.geo.layers import FieldKind
from sam_backend.geo.object_layer import OBJECTS
from sam_backend.geo.run.journal import JournalledPrompt
from sam_backend.geo.run.prompt_fields import PromptFields


def fields_of(*values: object) -> PromptFields:
    return PromptFields.of([JournalledPrompt(index, {"x": value}) for index, value in enumerate(values)])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((True, None), FieldKind.FLAG),
        ((1, None, 3), FieldKind.INTEGER),
        ((1, 2.5), FieldKind.REAL),
        ((True, 1), FieldKind.TEXT),
        (("a", None), FieldKind.TEXT),
        ((None,), FieldKind.TEXT),
        (([1, 2],), FieldKind.TEXT),
    ],
    ids=["flags", "whole", "real", "mixed", "text", "nothing", "lists"],
)
def test_a_field_gets_the_narrowest_kind_that_fits(values: tuple[object, ...], kind: FieldKind) -> None:
    assert fields_of(*values).fields["prompt_x"] is kind


def test_values_are_carried_under_names_that_never_meet_the_objects() -> None:
    prompts = PromptFields.of([JournalledPrompt(4, {"score": 7, "note": ["odd"]}), JournalledPrompt(5, {"note": None})])
    assert prompts.properties(4) == {"prompt_id": 4, "prompt_score": 7, "prompt_note": "['odd']"}
    assert prompts.properties(5) == {"prompt_id": 5, "prompt_note": None}
    assert set(OBJECTS.fields) < set(prompts.added_to(OBJECTS).fields)


def test_objects_that_nobody_asked_for_carry_nothing() -> None:
    nothing = PromptFields.of([])
    assert nothing.added_to(OBJECTS).fields == OBJECTS.fields
    assert nothing.properties(None) == {}
