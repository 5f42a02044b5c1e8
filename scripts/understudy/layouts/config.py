"""Which data sets can be written."""

from typing import Literal, get_args

LayoutName = Literal["easymocap", "instant-nvr", "ntc", "neural-actor", "instant-avatar"]
LAYOUT_NAMES: tuple[LayoutName, ...] = get_args(LayoutName)
