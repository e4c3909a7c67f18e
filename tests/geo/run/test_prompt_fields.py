"""What objects carry of the features that asked for them."""

from pathlib import Path

import geopandas
import pytest
import shapely
from rasterio.crs import CRS

from sam_backend.geo.layers import Feature, FieldKind
from sam_backend.geo.object_layer import OBJECTS
from sam_backend.geo.run.journal import JournalledPrompt
from sam_backend.geo.run.prompt_fields import PromptFields
from sam_backend.geo.vector_file import create_vector_file


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


@pytest.mark.parametrize(
    ("own", "given"),
    [
        (["id"], ["prompt_id_1"]),
        (["ID", "Id", "iD"], ["prompt_ID_1", "prompt_Id_2", "prompt_iD_3"]),
        (["ID", "id_1"], ["prompt_ID_2", "prompt_id_1"]),
        (["Name", "name", "NAME"], ["prompt_Name", "prompt_name_1", "prompt_NAME_2"]),
        (["name", "score"], ["prompt_name", "prompt_score"]),
    ],
    ids=["the feature's id", "of any case", "a number that is taken", "two of one name", "all different"],
)
@pytest.mark.parametrize("ending", ["gpkg", "fgb", "geojson", "parquet"])
def test_no_two_fields_meet_in_any_file(own: list[str], given: list[str], ending: str, tmp_path: Path) -> None:
    prompts = PromptFields.of([JournalledPrompt(7, {name: f"its {name}" for name in own})])
    layer = prompts.added_to(OBJECTS)
    path = tmp_path / f"out.{ending}"
    with create_vector_file(path, [layer], CRS.from_epsg(4326)) as file:
        file.append("objects", [Feature(shapely.box(0, 0, 1, 1), {"object_id": 1, **prompts.properties(7)})])
    (row,) = (geopandas.read_parquet(path) if ending == "parquet" else geopandas.read_file(path, layer=0)).to_dict(
        "records"
    )
    carried = {name: value for name, value in row.items() if name.startswith("prompt_")}
    assert carried == {"prompt_id": 7} | {name: f"its {one}" for one, name in zip(own, given, strict=True)}


def test_objects_that_nobody_asked_for_carry_nothing() -> None:
    nothing = PromptFields.of([])
    assert nothing.added_to(OBJECTS).fields == OBJECTS.fields
    assert nothing.properties(None) == {}
