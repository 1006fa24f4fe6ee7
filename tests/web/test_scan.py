import io

import segno
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from railtrace.web.scan import codes_in


def _photo(text: str, kind: str = "JPEG") -> bytes:
    code, photo = io.BytesIO(), io.BytesIO()
    segno.make(text, micro=False).save(code, kind="png", scale=6, border=6)
    page = Image.new("RGB", (1600, 1200), "#9a9a90")
    page.paste(Image.open(code).convert("RGB"), (500, 300))
    page.rotate(9, fillcolor="#9a9a90").save(photo, kind, quality=80)
    return photo.getvalue()


def test_a_code_is_read_from_a_tilted_photo() -> None:
    assert codes_in(_photo("5-88121-09")) == ["5-88121-09"]


def test_what_is_no_photo_holds_no_code() -> None:
    assert codes_in(b"not a photo") == []
    assert codes_in(_photo("x")[:300]) == []
    assert codes_in(b"") == []


def test_a_photographed_code_leads_to_the_unit(viewer: Client) -> None:
    photo = SimpleUploadedFile("p.jpg", _photo("5-88121-09"), "image/jpeg")
    response = viewer.post("/scan", {"photo": photo}, follow=True)
    assert response.redirect_chain[-1][0] == "/units/u-wheelset-1"


def test_a_photo_without_a_code_says_what_to_do(viewer: Client) -> None:
    response = viewer.post("/scan", {"photo": SimpleUploadedFile("p.jpg", b"?")}, follow=True)
    assert "come closer" in response.text
