"""A filled form as PDF: one Typst compiler a thread, fonts of its own, no network."""

import io
import json
import threading
from pathlib import Path
from typing import Any, Literal

import segno
import typst

_TEMPLATE = Path(__file__).with_name("form.typ")
_own = threading.local()


def printed(filled: dict[str, Any], address: str, file: Literal["pdf", "png"] = "pdf") -> bytes:
    """Return a form as PDF, or its first page as a picture; its code opens `address`."""
    if not hasattr(_own, "compiler"):
        _own.compiler = typst.Compiler(_TEMPLATE, ignore_system_fonts=True)
    drawing = io.BytesIO()
    segno.make(address, error="m").save(drawing, kind="svg", border=2, scale=4)
    data = filled | {"address": address, "qr": drawing.getvalue().decode()}
    pdf = _own.compiler.compile(
        format=file, sys_inputs={"data": json.dumps(data, ensure_ascii=False)}
    )
    return pdf[0] if isinstance(pdf, list) else bytes(pdf)
