"""A few real JPEGs, as base64: plate patches of about 4 KB and overviews of 20 to 60 KB."""

import base64
import io
from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from ncric_core.simulate.world import plates

POOL: Final = 8


@dataclass(frozen=True, slots=True)
class Photos:
    """JSON strings of photos, plate patch and overview of one scene side by side."""

    patches: tuple[str, ...]
    overviews: tuple[str, ...]


def make_photos(seed: int) -> Photos:
    """The pool; every read with photos has one of them."""
    rng = Random(f"photos {seed}")
    scenes = plates(POOL, rng)
    patches = tuple(_jpeg(_patch(plate, rng), 80) for plate in scenes)
    return Photos(patches, tuple(_jpeg(_overview(plate, rng), 70) for plate in scenes))


def _patch(plate: str, rng: Random) -> Image.Image:
    image = _noise(180, 90, 2, rng)
    ImageDraw.Draw(image).rectangle((12, 18, 168, 72), fill=225, outline=40)
    _write(image, plate, (20, 28), 3)
    return image


def _overview(plate: str, rng: Random) -> Image.Image:
    image = _noise(800, 600, rng.choice((3, 4, 5)), rng)
    draw = ImageDraw.Draw(image)
    draw.polygon(((0, 600), (330, 220), (470, 220), (800, 600)), fill=70)
    draw.rectangle((280, 300, 520, 480), fill=rng.randrange(30, 220))
    draw.rectangle((350, 420, 450, 450), fill=230)
    _write(image, plate, (356, 425), 2)
    return image


def _noise(width: int, height: int, grain: int, rng: Random) -> Image.Image:
    small = (width // grain, height // grain)
    return Image.frombytes("L", small, rng.randbytes(small[0] * small[1])).resize((width, height))


def _write(image: Image.Image, text: str, place: tuple[int, int], size: int) -> None:
    letters = Image.new("L", (len(text) * 7, 12), 255)
    ImageDraw.Draw(letters).text((1, 0), text, fill=0)
    image.paste(letters.resize((letters.width * size, letters.height * size)), place)


def _jpeg(image: Image.Image, quality: int) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return f'"{base64.b64encode(stream.getvalue()).decode()}"'
