"""A printed blank is photographed askew and read back: ticks, and what does not match."""

import io
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageDraw, ImageFilter

from railtrace.app import App
from railtrace.catalogue.load import load
from railtrace.trace.operation import CampaignDone, Number, Registered
from railtrace.web.forms.read_back import (
    BOX_MM,
    BOX_TOP_MM,
    NotRead,
    ReadBack,
    layout,
    mismatches,
    read_back,
)

WAGON = "u-blank-wagon"
ACT = load().forms["commission_act"]
MM = 144 / 25.4
"""Pixels a millimetre: Typst draws pictures with two pixels a point."""


def sheet(address: str, ticks: tuple[str, ...] = ACT.ticks) -> Image.Image:
    """Return a printed blank as it comes from the printer."""
    from railtrace.web.forms.pdf import printed

    filled = {
        "key": "commission_act", "title": "Акт", "form": "", "railway": "дорога", "language": "ru",
        "marks": [], "fields": [["Номер", "66345679"], ["Тип", "полувагон"]],
        "ticks": list(ticks), "signed": ["Председатель"], "tables": [], "nothing": "",
        "footer": "blank",
    }  # fmt: skip
    return Image.open(io.BytesIO(printed(filled, address, "png"))).convert("L")


def ticked(page: Image.Image, boxes: tuple[int, ...]) -> Image.Image:
    """Draw a pen's ticks into boxes, found by the left small code."""
    import zxingcpp

    left = next(c for c in zxingcpp.read_barcodes(page) if c.text.startswith("TL:"))
    x0, y0 = left.position.top_left.x, left.position.top_left.y
    draw = ImageDraw.Draw(page)
    for box in boxes:
        x, y = x0 + layout(len(ACT.ticks))[box] * MM, y0 + BOX_TOP_MM * MM
        side = BOX_MM * MM
        draw.line([(x + 5, y + side / 2), (x + side / 2, y + side - 6), (x + side - 3, y + 3)],
                  fill=60, width=3)  # fmt: skip
    return page


def photographed(page: Image.Image, seed: int = 1, noise: float = 6.0) -> bytes:
    """Return a photo: askew, in perspective, lit from one side, blurred, noisy, as JPEG."""
    rng = np.random.default_rng(seed)
    width, height = page.size
    canvas = Image.new("L", (width + 240, height + 240), 120)
    canvas.paste(page, (120, 120))
    jitter = rng.uniform(-55, 55, 8)
    quad = np.array([60, 60, 60, height + 180, width + 180, height + 180, width + 180, 60]) + jitter
    seen = canvas.transform((1500, 2100), Image.Transform.QUAD, list(quad),
                            Image.Resampling.BICUBIC)  # fmt: skip
    light = np.linspace(0.75, 1.0, seen.width)[None, :]
    values = np.asarray(seen.filter(ImageFilter.GaussianBlur(0.7)), float) * light
    values = np.clip(values + rng.normal(0, noise, values.shape), 0, 255).astype(np.uint8)
    output = io.BytesIO()
    Image.fromarray(values).save(output, "JPEG", quality=85)
    return output.getvalue()


@pytest.mark.parametrize("boxes", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_ticks_are_read_from_a_photo_taken_askew(boxes: tuple[int, ...], seed: int) -> None:
    address = "http://depot/operations/act-1"
    read = read_back(photographed(ticked(sheet(address), boxes), seed))
    assert (read.address, read.form) == (address, "commission_act")
    assert read.boxes == tuple("ticked" if n in boxes else "empty" for n in range(3))


def test_a_photo_without_the_codes_says_what_to_do() -> None:
    output = io.BytesIO()
    Image.new("L", (400, 300), 200).save(output, "PNG")
    with pytest.raises(NotRead, match="all three codes"):
        read_back(output.getvalue())
    with pytest.raises(NotRead, match="no photo"):
        read_back(b"%PDF-1.7")


def test_a_box_that_says_another_thing_and_one_nobody_can_read_do_not_match() -> None:
    read = ReadBack("a", "f", ("ticked", "empty", "unclear", "ticked"), (0.2, 0, 0.04, 0.2))
    recorded = {"a": True, "b": True, "c": False}
    found = [m.label for m in mismatches(read, ("a", "b", "c", "d"), recorded)]
    assert found == ["b", "c", "d"]


@pytest.fixture(scope="module")
def inspected(railway: App) -> App:
    """Return a railway with a wagon that passed a commission inspection."""
    then = railway.clock() - timedelta(days=3)
    railway.record([
        Registered(id="blank-1", happened_at=then, units=(WAGON,), type="gondola",
                   numbers=(Number(scheme="other", value="BLANK 1"),)),
        CampaignDone(id="blank-2", happened_at=then, units=(WAGON,), campaign="spring"),
    ], "p-test", "test")  # fmt: skip
    assert railway.wait_caught_up(10)
    return railway


def test_the_page_shows_paper_beside_trace_and_what_does_not_match(
    inspected: App, reader_as: Callable[..., Client]
) -> None:
    worker, address = reader_as("worker"), "http://testserver/operations/blank-2"

    def sent(boxes: tuple[int, ...]) -> object:
        photo = photographed(ticked(sheet(address), boxes))
        return worker.post("/forms/read", {"photo": SimpleUploadedFile("p.jpg", photo)})

    good = sent((0,))
    assert "Paper and trace say the same" in good.text
    wrong = sent((2,))
    assert [m.label for m in wrong.context["wrong"]] == ["годен", "не годен"]
    assert "does not match" in wrong.text


def test_a_code_of_another_place_and_a_missing_photo_are_told(
    inspected: App, reader_as: Callable[..., Client]
) -> None:
    worker = reader_as("worker")
    photo = photographed(sheet("http://elsewhere/nothing/1"))
    told = worker.post("/forms/read", {"photo": SimpleUploadedFile("p.jpg", photo)})
    assert "opens nothing here" in told.text
    assert "Choose a photo" in worker.post("/forms/read").text
