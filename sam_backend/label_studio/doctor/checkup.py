"""All checks, in the order in which a click depends on them; what can't be looked at is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sam_backend.errors import RequestError
from sam_backend.label_studio.doctor.backend_checks import (
    check_address_rule,
    check_backend,
    check_connection,
    check_webhook,
    check_webhook_rule,
    connected_backend,
)
from sam_backend.label_studio.doctor.check import Check, Finding, Verdict, fail, of_error, skip, timed
from sam_backend.label_studio.doctor.project_checks import (
    PixelsHW,
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
from sam_backend.label_studio.studio_api import Answer, StudioApi

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
        answers: list[Answer] = []
        there = timed("project", lambda: check_project(_noted(api.project(int(self.project or 0)), answers)))
        yield there
        if there.verdict is Verdict.FAIL:
            return
        config, check = _config(answers[0].body.get("label_config"))
        yield check
        if self.backend_url is not None:
            yield timed("model", partial(self._model, api, self.project, self.backend_url))
            yield timed("webhook", partial(self._webhook, api, self.project, self.backend_url))
        yield from self._picture_and_click(api, self.project, config)

    def _model(self, api: StudioApi, project: int, backend_url: str) -> Finding:
        return check_connection(api.backends(project), backend_url)

    def _webhook(self, api: StudioApi, project: int, backend_url: str) -> Finding:
        return check_webhook(api.webhooks(project), backend_url)

    def _picture_and_click(self, api: StudioApi, project: int, config: LabelingConfig) -> Iterator[Check]:
        seen: list[tuple[int, PixelsHW]] = []

        def picture() -> Finding:
            task = first_task(api.first_task(project))
            if task is None or not config.variables:
                return no_task()
            finding, hw = check_picture(self.source, task, config.variables[0][1], self.max_pixels)
            seen.append((int(task["id"]), hw))
            return finding

        yield timed("picture", picture)
        for task, hw in seen:
            yield timed("click", partial(self._click, api, project, task, click_prompt(config, hw)))

    def _click(self, api: StudioApi, project: int, task: int, prompt: dict[str, Any] | None) -> Finding:
        backend = None if self.backend_url is None else connected_backend(api.backends(project), self.backend_url)
        if backend is None or prompt is None:
            return skip("needs this backend connected (--backend-url), and KeyPointLabels in the config")
        return check_click(api.click(int(backend["id"]), task, [prompt]))


def _noted(answer: Answer, answers: list[Answer]) -> Answer:
    answers.append(answer)
    return answer


def _config(xml: object) -> tuple[LabelingConfig, Check]:
    try:
        config = parse_labeling_config(xml if isinstance(xml, str) else None)
    except RequestError as error:
        finding = of_error(error)
        return LabelingConfig(), Check("labeling config", finding.verdict, finding.found, finding.cure)
    return config, timed("labeling config", partial(check_config, config))
