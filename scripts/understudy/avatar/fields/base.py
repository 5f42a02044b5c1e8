"""What methods share whose avatars are fields."""

from dataclasses import asdict
from typing import Any

from understudy.avatar.base import Avatar, Method
from understudy.avatar.fields.avatar import FieldAvatar


class FieldMethod(Method):
    """A method whose avatars are fields."""

    def describe(self, avatar: Avatar) -> dict[str, Any]:
        """Its size, and where it is looked at."""
        assert isinstance(avatar, FieldAvatar)
        return {"size": avatar.size, **asdict(avatar.space)}
