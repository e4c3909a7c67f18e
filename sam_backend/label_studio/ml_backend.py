"""The backend as a model of label-studio-ml 1.0.9: ``init_app(model_class=SegmentAnything)``.

For whoever serves other models by label-studio-ml already; docs/label-studio-ml.md says what that costs. It runs in an
environment of its own (docker/requirements-label-studio-ml.txt). `label-studio-ml init --script` copies this file.
"""

from __future__ import annotations

import os
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from sam_backend.service.hosted import HostedBackend
from sam_backend.settings import Settings

_BACKEND = HostedBackend(Settings.from_env(os.environ))
"""Of the process: label-studio-ml makes a new model object for every ``/setup``."""


class SegmentAnything(LabelStudioMLBase):  # type: ignore[misc] # label-studio-ml publishes no types
    """What label-studio-ml asks of a model, handed on to the parts that the backend's own service is made of."""

    def __init__(
        self,
        label_config: str | None = None,
        train_output: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - the signature of the base class, as below
    ) -> None:
        super().__init__(label_config, train_output, **kwargs)
        _BACKEND.set_up(self.hostname, self.access_token)

    def predict(self, tasks: list[dict[str, Any]], **kwargs: Any) -> list[Any]:  # noqa: ANN401
        """Answer ``/predict``; ``kwargs`` are the request's params, prompts in ``context``."""
        return _BACKEND.answer(tasks, kwargs, self.label_config)

    def process_event(
        self, event: str, data: dict[str, Any], job_id: str, additional_params: dict[str, Any]
    ) -> dict[str, Any]:
        """Hand on every webhook, also those that label-studio-ml holds for none of training."""
        return self.fit((), event=event, data=data, job_id=job_id, **additional_params)

    def fit(self, tasks: object, workdir: str | None = None, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Learn of a webhook: ``event`` is its action, ``data`` the rest of it.

        Returns:
            Nothing, as a dict: for want of a result label-studio-ml would log a traceback at every ``/setup``.
        """
        event, data = kwargs.get("event"), kwargs.get("data")
        if isinstance(event, str) and isinstance(data, dict):
            _BACKEND.learn_of(event, data, workdir)
        return {}
