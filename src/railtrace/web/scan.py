"""Reading a photographed code: QR, DataMatrix or a bar code on a part's tag."""

import io

import zxingcpp
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST
from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST_PIXELS = 60_000_000
_SIDE = 2400


def codes_in(photo: bytes) -> list[str]:
    """Return the texts of the codes in a photo; none when it is no photo."""
    try:
        image = Image.open(io.BytesIO(photo))
        if image.width * image.height > LARGEST_PIXELS:
            return []
        image.draft("L", (_SIDE, _SIDE))
        grey = ImageOps.exif_transpose(image).convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return []
    grey.thumbnail((_SIDE, _SIDE))
    return [found.text for found in zxingcpp.read_barcodes(grey) if found.text]


@require_POST
def scan(request: HttpRequest) -> HttpResponse:
    """Search for the code in a photo; say so when there is none."""
    photo = request.FILES.get("photo")
    codes = codes_in(photo.read()) if photo is not None else []
    if not codes:
        messages.error(
            request, gettext("No code was found in the photo: come closer, or type the number.")
        )
        return redirect("search")
    return redirect(f"{reverse('search')}?{urlencode({'q': codes[0]})}")
