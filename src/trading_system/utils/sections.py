"""What sections of settings are made of: a frozen part of the tree, and the kinds of value that stand in it."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number, not yes or no")
    return value


def _listed(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",")] if value.strip() else []


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_number)]
Share = Annotated[Number, Field(ge=0, le=1)]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
LISTED = BeforeValidator(_listed)
"""Marks a list that may be written as words with commas between them."""


class Section(BaseModel):
    """A frozen part of the tree; a key it does not know is refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )
