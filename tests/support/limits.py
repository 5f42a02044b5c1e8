"""Numbers just inside and just beyond what is possible, for hypothesis."""

import math

from hypothesis import strategies as st


def inside(least: float, most: float) -> st.SearchStrategy[float]:
    """Both ends, and anything between."""
    return st.sampled_from([float(least), float(most)]) | st.floats(least, most)


def beyond(least: float, most: float) -> st.SearchStrategy[float]:
    """The next numbers outside, any farther ones, and what is no number."""
    under, over = math.nextafter(least, -math.inf), math.nextafter(most, math.inf)
    near = st.sampled_from([under, over, math.nan, math.inf, -math.inf])
    return near | st.floats(max_value=under) | st.floats(min_value=over)
