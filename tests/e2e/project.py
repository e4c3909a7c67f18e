"""What one test works in: a project of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend import RecordingProxy
from nuclei import NucleiScene
from studio import Json, StudioApi


@dataclass(slots=True)
class Project:
    """A fresh project of one task with the backend connected to it."""

    api: StudioApi
    proxy: RecordingProxy
    """What passes between Label Studio and the backend in this project alone."""

    project: int
    """Its id, as the ids below."""

    task: int
    backend: int
    n_clicks: int = 0
    """How many answers to prompts have been waited for."""

    @classmethod
    def of_upload(cls, api: StudioApi, proxy: RecordingProxy, labeling_config: str, picture_path: Path) -> Project:
        """Make a project of one uploaded picture."""
        project = api.create_project(picture_path.stem.ljust(3, "_"), labeling_config)
        task = api.upload_picture(project, picture_path)
        return cls(api, proxy, project, task, api.connect_backend(project, proxy.url))

    @classmethod
    def of_task(cls, api: StudioApi, proxy: RecordingProxy, labeling_config: str, address: str) -> Project:
        """Make a project of one task whose picture lies at an address."""
        project = api.create_project("By address", labeling_config)
        task = api.add_task(project, address)
        return cls(api, proxy, project, task, api.connect_backend(project, proxy.url))

    @classmethod
    def of_folder(cls, api: StudioApi, proxy: RecordingProxy, labeling_config: str, folder: Path) -> Project:
        """Make a project of a folder of one picture, as local-files storage."""
        project = api.create_project("Nuclei on disk", labeling_config)
        task = api.add_local_folder(project, folder)
        return cls(api, proxy, project, task, api.connect_backend(project, proxy.url))

    def click_without_browser(self, scene: NucleiScene, index: int) -> Json:
        """Ask for a nucleus through Label Studio as the editor does, with the key point of the documented config."""
        height_px, width_px = scene.labels.shape
        x_px, y_px = scene.center_xy(index)
        key_point = {
            "id": f"point-{index}",
            "type": "keypointlabels",
            "from_name": "click",
            "to_name": "image",
            "origin": "manual",
            "original_width": width_px,
            "original_height": height_px,
            "image_rotation": 0,
            "is_positive": True,
            "value": {
                "x": 100 * x_px / width_px,
                "y": 100 * y_px / height_px,
                "width": 0.3,
                "keypointlabels": ["Nucleus"],
            },
        }
        self.n_clicks += 1
        return self.api.click_without_browser(self.backend, self.task, [key_point])
