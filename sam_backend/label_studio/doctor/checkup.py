"""All checks, in the order in which a click depends on them; what can't be looked at is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sam_backend.errors import RequestError
from sam_backend.label_studio.doctor.backend_checks import (
    check_address_rule,
    check_backend,
    check_connection,
    check_webhook,
    check_webhook_rule,
    connected_backend,
)
from sam_backend.label_studio.doctor.check import Check, Verdict, fail, skip, timed
from sam_backend.label_studio.doctor.project_checks import (
    check_click,
    check_config,
    check_picture,
    check_project,
    click_prompt,
    first_task,
    no_task,
)
from sam_backend.label_studio.doctor.server_checks import check_token, check_url
from sam_backend.label_studio.image_source import ImageSource
from sam_backend.label_studio.labeling_config import LabelingConfig, parse_labeling_config
from sam_backend.label_studio.studio_api import StudioApi

_SET_URL = "set LABEL_STUDIO_URL to the address at which this machine reaches Label Studio, or give --url"


@dataclass(frozen=True, slots=True)
class Checkup:
    """What to look at; what is None is passed over, with a word on how to have it looked at."""

    api: StudioApi | None
    source: ImageSource
    backend_url: str | None
    project: int | None
    max_pixels: int
    timeout_s: float

    def run(self) -> Iterator[Check]:
        """Make the checks one after another."""
        yield from self._backend()
        if self.api is None:
            yield timed("Label Studio", lambda: fail("LABEL_STUDIO_URL is not set", _SET_URL))
            return
        reached = timed("Label Studio", partial(check_url, self.api))
        yield reached
        if reached.verdict is Verdict.FAIL:
            return
        token = timed("token", partial(check_token, self.api))
        yield token
        if token.verdict is Verdict.FAIL:
            return
        yield from self._rules(self.api)
        yield from self._project(self.api)

    def _backend(self) -> Iterator[Check]:
        if self.backend_url is None:
            yield timed("backend", lambda: skip("no address given", "give --backend-url http://HOST:9090"))
        else:
            yield timed("backend", partial(check_backend, self.backend_url, self.timeout_s))

    def _rules(self, api: StudioApi) -> Iterator[Check]:
        if self.backend_url is not None:
            yield timed("ML_BLOCK_LOCAL_IP", partial(check_address_rule, api, self.backend_url))
            yield timed("SSRF_PROTECTION_ENABLED", partial(check_webhook_rule, api, self.backend_url))

    def _project(self, api: StudioApi) -> Iterator[Check]:
        if self.project is None:
            yield timed("project", lambda: skip("none given", "give --project N to check its config and a picture"))
            return
        answer = api.project(self.project)
        there = timed("project", partial(check_project, answer, self.project))
        yield there
        if there.verdict is Verdict.FAIL:
            return
        config, check = _config(answer.body.get("label_config"))
        yield check
        yield from self._pictures(api, self.project, config)

    def _pictures(self, api: StudioApi, project: int, config: LabelingConfig) -> Iterator[Check]:
        if self.backend_url is not None:
            yield timed("model", lambda: check_connection(api.backends(project), str(self.backend_url)))
            yield timed("webhook", lambda: check_webhook(api.webhooks(project), str(self.backend_url)))
        task = first_task(api.first_task(project))
        if task is None or not config.variables:
            yield timed("picture", no_task)
            return
        sizes: list[tuple[int, int]] = []
        data_key = config.variables[0][1]
        yield timed("picture", lambda: check_picture(self.source, task, data_key, self.max_pixels, sizes.append))
        if sizes:
            yield from self._click(api, project, config, int(task["id"]), sizes[0])

    def _click(
        self, api: StudioApi, project: int, config: LabelingConfig, task: int, original_hw: tuple[int, int]
    ) -> Iterator[Check]:
        backend = connected_backend(api.backends(project), self.backend_url) if self.backend_url is not None else None
        prompt = click_prompt(config, original_hw)
        if backend is None or prompt is None:
            yield timed("click", lambda: skip("needs this backend connected, and KeyPointLabels in the config"))
            return
        yield timed("click", lambda: check_click(api.click(int(backend["id"]), task, [prompt])))


def _config(xml: object) -> tuple[LabelingConfig, Check]:
    try:
        config = parse_labeling_config(xml if isinstance(xml, str) else None)
    except RequestError as error:
        found, _, cure = str(error).rpartition(": ")
        return LabelingConfig(), Check("labeling config", Verdict.FAIL, found, cure)
    return config, timed("labeling config", partial(check_config, config))
