"""A filled form as PDF: one Typst compiler a thread, fonts of its own, no network."""

import io
import json
import threading
from pathlib import Path
from typing import Any, Literal

import segno
import typst

from railtrace.web.forms.read_back import LEFT, RIGHT, cell_mm, layout

_TEMPLATE = Path(__file__).with_name("form.typ")
_own = threading.local()


def printed(filled: dict[str, Any], address: str, file: Literal["pdf", "png"] = "pdf") -> bytes:
    """Return a form as PDF, or its first page as a picture; its code opens `address`."""
    if not hasattr(_own, "compiler"):
        _own.compiler = typst.Compiler(_TEMPLATE, ignore_system_fonts=True)
    data = filled | {"address": address, "qr": _code(address, 2)} | _row(filled)
    pdf = _own.compiler.compile(
        format=file, sys_inputs={"data": json.dumps(data, ensure_ascii=False)}
    )
    return pdf[0] if isinstance(pdf, list) else bytes(pdf)


def _code(text: str, border: int) -> str:
    drawing = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawing, kind="svg", border=border, scale=4)
    return drawing.getvalue().decode()


def _row(filled: dict[str, Any]) -> dict[str, Any]:
    """What frames the row of boxes, so that a photo of it can be read back."""
    count = len(filled["ticks"])
    if not count:
        return {}
    left = _code(f"{LEFT}:{filled['key']}:{count}", 0)
    return {"left": left, "right": _code(RIGHT, 0), "boxes": layout(count),
            "cell": cell_mm(count)}  # fmt: skip
