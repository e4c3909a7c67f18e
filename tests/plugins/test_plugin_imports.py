import ast
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins" / "segment_anything"
FILES = sorted(PLUGIN.rglob("*.py"))
ALLOWED = {*sys.stdlib_module_names, "qgis", "osgeo", "numpy"}
BREAKS_QGIS = {"osgeo.gdal_array", "osgeo.gdalnumeric"}
WITHOUT_QGIS = [path for path in (PLUGIN / "engine").glob("*.py") if path.name != "choose.py"]


def imported_modules(path: Path) -> set[str]:
    """All that a file imports from elsewhere, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_nothing_that_clashes_with_qgis_s_own_libraries_enters_its_process(path: Path) -> None:
    modules = imported_modules(path)

    assert {name.split(".")[0] for name in modules} <= ALLOWED
    assert not modules & BREAKS_QGIS


@pytest.mark.parametrize("path", WITHOUT_QGIS, ids=lambda path: path.name)
def test_the_engines_need_no_qgis(path: Path) -> None:
    assert not {name.split(".")[0] for name in imported_modules(path)} & {"qgis", "osgeo"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_the_python_that_qgis_3_22_brings_can_read_it(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 9))
