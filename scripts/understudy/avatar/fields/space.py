"""Where a field is looked at."""

from dataclasses import dataclass, fields
from typing import Any, Self

from understudy.avatar.fields.config import FieldConfig
from understudy.avatar.fields.rays import ShellShape


@dataclass(frozen=True)
class Space(ShellShape):
    """The shell round the body, and how closely it is looked at; a method adds what else there is to know."""

    reach: float
    """Places farther than this from the body are empty, m."""
    samples: int
    """Places on each ray."""

    @classmethod
    def of(cls, options: FieldConfig, **more: Any) -> Self:
        """By the options of the same names, and what is given besides."""
        return cls(**{each.name: getattr(options, each.name) for each in fields(cls) if each.name not in more}, **more)
