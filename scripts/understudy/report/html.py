"""What all pages are made of: templates with the one style, and pictures that sit inside."""

import base64
import io
from pathlib import Path

import jinja2
import numpy as np
from PIL import Image

STYLE = "page.css.j2"
"""Template of the style, which a page includes."""
QUALITY = 88


def template(folder: Path, name: str) -> jinja2.Template:
    """A template of a folder, in which every text is escaped; ``STYLE`` can be included."""
    places = jinja2.FileSystemLoader([folder, Path(__file__).parent])
    return jinja2.Environment(
        loader=places, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


def jpeg(image: np.ndarray) -> str:
    """A picture uint8 [H,W,3] as base64, for ``data:image/jpeg;base64,``."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
