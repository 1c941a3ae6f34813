"""The ground that every job's settings stand on: unknown keys are errors, values never change."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Settings that forbid unknown keys and cannot be changed after they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
