"""What comes over HTTP as requests of the protocol: paths checked, the service's own files put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.geo.protocol.options import RESULTS
from sam_backend.geo.protocol.requests import Refilter, Request, parse_request
from sam_backend.geo.run.whole_run import RunJob
from sam_backend.geo.vector_export import VectorFormat
from sam_backend.service.raster.raster_paths import RasterPaths
from sam_backend.service.raster.run_book import RunBook
from sam_backend.service.raster.run_folder import SCHEME, RunFolder

Body = Mapping[str, Any]

_FORMATS = tuple(one.value for one in VectorFormat)
_GOES_ON = (None, "auto", "resume")
"""What ``start`` says where an earlier run's journal is wanted."""

_CHANGES_NO_TILE = {"id", "start", "journal", "format", "heal", *(option.name for option in RESULTS)}
"""Fields that may differ between a run and the one that goes on with its journal."""


@dataclass(frozen=True, slots=True)
class AskedRun:
    """A run that can begin."""

    job: RunJob
    request_id: str
    folder: RunFolder
    """Where it is going to lie."""

    journal_of: RunFolder
    """The run whose journal it keeps: an earlier one where it goes on with that, else itself."""

    alike: dict[str, Any]
    """The fields that decide what is found in tiles; a later run with the same may go on with this one's journal."""


@dataclass(frozen=True, slots=True)
class Asking:
    """For use from many threads."""

    paths: RasterPaths
    book: RunBook

    def request(self, operation: str, body: object) -> Request:
        """A request that neither begins a run nor writes a file.

        Raises:
            SamBackendError: it can't be understood, or a file in it can't be used.
        """
        return parse_request({**_fields(body), "op": operation}, self._find)

    def run(self, body: object) -> AskedRun:
        """A run, not yet checked: its folder has to be there for that.

        Raises:
            SamBackendError: it can't be understood, or a file in it can't be used.
        """
        fields = _fields(body)
        folder, ending, record = self._new_output(fields)
        alike = {name: value for name, value in record.items() if name not in _CHANGES_NO_TILE and value is not None}
        journal_of = self._earlier(fields, alike) or folder
        own = {"output": folder.output_path(ending), "journal": journal_of.journal_path}
        job = parse_request({**record, **_texts(own), "op": "run"}, lambda field, text: self._find(field, text, own))
        if not isinstance(job, RunJob):
            raise TypeError(f"a run was read as {type(job).__name__}")
        return AskedRun(job, _request_id(fields, folder.run_id), folder, journal_of, alike)

    def refilter(self, body: object) -> tuple[Refilter, RunFolder, str]:
        """A run's objects written anew: the request, where its output is going to lie, and what to call it.

        Raises:
            SamBackendError: it can't be understood, or there is no such run.
        """
        fields = _fields(body)
        folder, ending, record = self._new_output(fields)
        own = {"output": folder.output_path(ending)}
        request = parse_request({**record, **_texts(own), "op": "refilter"}, lambda f, text: self._find(f, text, own))
        if not isinstance(request, Refilter):
            raise TypeError(f"a refilter was read as {type(request).__name__}")
        return request, folder, _request_id(fields, folder.run_id)

    def _new_output(self, fields: Body) -> tuple[RunFolder, str, dict[str, Any]]:
        """A folder to come, the ending of the file in it, and the fields but for what said that."""
        if "output" in fields:
            raise RequestError(
                "over HTTP there is no field 'output': give the file's format, and get it at /raster/runs/ID/output"
            )
        ending = fields.get("format", VectorFormat.GEOPACKAGE.value)
        if ending not in _FORMATS:
            raise RequestError(f"format is one of {', '.join(_FORMATS)}, got {str(ending)[:40]!r}")
        record = {name: value for name, value in fields.items() if name != "format"}
        return self.book.at(self.book.new_id()), str(ending), record

    def _earlier(self, fields: Body, alike: Body) -> RunFolder | None:
        """The run to go on with: the one that is named, or the last that was asked for with the same fields."""
        named, start = fields.get("journal"), fields.get("start")
        if named is not None:
            return self._named(named)
        found = self.book.last_alike(alike) if start in _GOES_ON else None
        if found is None and start == "resume":
            raise RequestError(
                "no run was asked for here with the same raster and settings, or it is forgotten: leave start out, and "
                "it begins anew"
            )
        return found

    def _named(self, text: object) -> RunFolder:
        """The run that ``run:ID`` names."""
        if not isinstance(text, str) or not text.startswith(SCHEME):
            raise RequestError(f"over HTTP journal is the run:ID of a result's journal, got {str(text)[:60]!r}")
        return self.book.owner_of_journal(self.book.find(text.removeprefix(SCHEME)))

    def _find(self, field: str, text: str, own: Mapping[str, Path] | None = None) -> Path:
        """What the paths of a request mean; see `FindPath`."""
        if own is not None and field in own:
            return own[field]
        if field == "raster":
            return self.paths.raster(text)
        if field == "journal":
            return self._named(text).journal_path
        return self.paths.layer(text)


def _fields(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RequestError(f"a request is a JSON object with its fields, got {type(body).__name__}: send one")
    fields = {name: value for name, value in body.items() if value is not None}
    if "op" in fields:
        raise RequestError("over HTTP there is no field 'op': the address says it")
    return fields


def _texts(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in paths.items()}


def _request_id(fields: Body, usual: str) -> str:
    request_id = fields.get("id", usual)
    if not isinstance(request_id, str) or not request_id:
        raise RequestError("id is some text that tells answers apart: give it as text, or leave it out")
    return request_id
