"""An error's body."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """RFC 9457. More members say the facts that a client needs."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
