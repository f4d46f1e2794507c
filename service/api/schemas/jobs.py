"""The body of `POST /jobs`, the request of a training job."""

from __future__ import annotations

from pydantic import model_validator

from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from service.api.schemas.base import Body, Name, Reference
from service.api.schemas.faults import fault
from service.api.schemas.parameters import takes
from service.training.jobs.requests import DEFAULT_BUDGET, JobRequest
from service.training.records.format import Fields, RecordFormat


@takes(Budget)
class BudgetBody(Body):
    """How long to train: exactly one of the three fields."""

    @model_validator(mode="after")
    def _exactly_one(self) -> BudgetBody:
        if len(given := self.model_dump(exclude_none=True)) != 1:
            raise fault(f"budget must be exactly one of minutes, epochs and steps, not {given or 'nothing'}")
        return self


@takes(Fields)
class FieldsBody(Body):
    """The names of fields in a file with rows; those left out are called `text`, `label`, `tags` and `target` there."""


@takes(TrainingConfig, automatic=True)
@takes(ModelConfig, automatic=True)
@takes(RecordFormat)
@takes(JobRequest)
class JobBody(Body):
    """`POST /jobs`; settings that are omitted are chosen automatically."""

    corpus: str
    model: Name
    budget: BudgetBody | None = None
    base: Reference | None = None
    fields: FieldsBody | None = None

    def request(self) -> JobRequest:
        """The request for the job store."""
        values = self.model_dump(exclude_unset=True, exclude={"budget"})
        if self.fields is not None:
            values["fields"] = self.fields.model_dump(exclude_none=True)
        budget = DEFAULT_BUDGET.as_dict() if self.budget is None else self.budget.model_dump(exclude_none=True)
        return JobRequest.from_dict({**values, "budget": budget})
