"""A printed blank photographed and read back: its code, its tick boxes, and what does not match.

The row of boxes stands between two small codes, whose eight corners place every box in the photo
whatever the angle. Handwriting is not read: only whether a box holds ink.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from railtrace.errors import RailtraceError
from railtrace.web.scan import LARGEST_PIXELS

Floats = NDArray[np.float64]

LEFT, RIGHT = "TL", "TR"
"""Texts of the two codes; after the left one's stand the form and its boxes, as in TL:vu23m:3."""
CODE_MM, SPAN_MM, FIRST_MM, BOX_MM, BOX_TOP_MM = 10.0, 174.0, 16.0, 5.0, 2.5
"""Side of a code, of the whole row, where the first cell begins, side and top of a box."""
_SIDE = 3200
_INSIDE_MM, _GRID = 3.6, 36
_TICKED, _EMPTY = 0.06, 0.025
"""Share of a box's inside that is ink: from here it is ticked, up to here it is empty."""


class NotRead(RailtraceError):
    """The photo cannot be read; the message says what to do."""


@dataclass(frozen=True)
class ReadBack:
    """What a photo says: the address in its code, and of each box ticked, empty or unclear."""

    address: str
    form: str
    boxes: tuple[str, ...]
    ink: tuple[float, ...]


def cell_mm(count: int) -> float:
    """Return how wide a box and its words may be [mm]."""
    return (SPAN_MM - CODE_MM - FIRST_MM) / max(count, 1)


def layout(count: int) -> list[float]:
    """Return where the boxes begin, from the left code's left side [mm]."""
    return [FIRST_MM + index * cell_mm(count) for index in range(count)]


def read_back(photo: bytes) -> ReadBack:
    """Read a photo of a blank. Raises NotRead, saying what to do."""
    grey = _opened(photo)
    codes = {found.text: found for found in zxingcpp.read_barcodes(grey) if found.text}
    left = next((text for text in codes if text.startswith(f"{LEFT}:")), "")
    address = next((text for text in codes if text not in (left, RIGHT)), "")
    if not left or RIGHT not in codes or not address:
        raise NotRead(
            "The photo does not show all three codes of the blank: take the whole sheet, flat and "
            "in light, and try again."
        )
    _word, form, count = left.split(":")
    pixels = np.asarray(grey, dtype=float)
    to_photo = _homography(codes[left], codes[RIGHT])
    paper, ink = _levels(pixels, codes[left])
    shares = [_ink(pixels, to_photo, x, (paper + ink) / 2) for x in layout(int(count))]
    return ReadBack(address, form, tuple(map(_said, shares)), tuple(shares))


def _opened(photo: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(photo))
        if image.width * image.height > LARGEST_PIXELS:
            raise NotRead("The photo is larger than 60 megapixels: take a smaller one.")
        grey = ImageOps.exif_transpose(image).convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise NotRead("This file is no photo: send a JPEG or PNG.") from error
    grey.thumbnail((_SIDE, _SIDE))
    return grey


def _corners(found: Any) -> Floats:
    spot = found.position
    points = (spot.top_left, spot.top_right, spot.bottom_right, spot.bottom_left)
    return np.array([(point.x, point.y) for point in points], float)


def _homography(left: Any, right: Any) -> Floats:
    """Return the 3 × 3 map from millimetres of the row to pixels, by least squares."""
    square = np.array([(0, 0), (CODE_MM, 0), (CODE_MM, CODE_MM), (0, CODE_MM)], float)
    plan = np.concatenate([square, square + np.array([SPAN_MM - CODE_MM, 0])])
    seen = np.concatenate([_corners(left), _corners(right)])
    rows = []
    for (x, y), (u, v) in zip(plan / SPAN_MM, seen, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    solved = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    return np.asarray(solved @ np.diag([1 / SPAN_MM, 1 / SPAN_MM, 1.0]))


def _at(pixels: Floats, to_photo: Floats, mm: Floats) -> Floats:
    """Return the grey values at points of the row, the nearest pixel's."""
    spots = np.concatenate([mm, np.ones((len(mm), 1))], axis=1) @ to_photo.T
    places = np.rint(spots[:, :2] / spots[:, 2:]).astype(int)
    height, width = pixels.shape
    return np.asarray(
        pixels[np.clip(places[:, 1], 0, height - 1), np.clip(places[:, 0], 0, width - 1)]
    )


def _levels(pixels: Floats, code: Any) -> tuple[float, float]:
    """Return how bright paper and how dark ink are in this photo, from a code."""
    corners = _corners(code)
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    x0, y0, x1, y1 = (int(max(n, 0)) for n in (*low, *high))
    inside = pixels[y0 : y1 + 1, x0 : x1 + 1]
    return float(np.percentile(inside, 90)), float(np.percentile(inside, 10))


def _ink(pixels: Floats, to_photo: Floats, x_mm: float, threshold: float) -> float:
    """Return which share of a box's inside, away from its frame, is darker than a threshold."""
    edge = (BOX_MM - _INSIDE_MM) / 2
    steps = np.linspace(0, _INSIDE_MM, _GRID) + edge
    across, down = np.meshgrid(x_mm + steps, BOX_TOP_MM + steps)
    values = _at(pixels, to_photo, np.stack([across.ravel(), down.ravel()], axis=1))
    return float(np.mean(values < threshold))


def _said(share: float) -> str:
    return "ticked" if share >= _TICKED else "empty" if share <= _EMPTY else "unclear"


@dataclass(frozen=True)
class Mismatch:
    """A box whose ink is not what the trace says; `recorded` is whether it ought to be ticked."""

    label: str
    seen: str
    recorded: bool | None


def mismatches(
    read: ReadBack, labels: tuple[str, ...], recorded: dict[str, bool]
) -> list[Mismatch]:
    """Return the boxes that say another thing than the trace, of which it says nothing though

    they are ticked, and those nobody can read.
    """
    found = []
    for label, seen in zip(labels, read.boxes, strict=False):
        said = recorded.get(label)
        if seen == "unclear" or bool(said) != (seen == "ticked"):
            found.append(Mismatch(label, seen, said))
    return found
