"""The OpenAPI description: every shape of the trace in it comes from the trace itself."""

from typing import Any

import msgspec
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from railtrace.trace.operation import KINDS, AnyOperation
from railtrace.web.api import answers
from railtrace.web.api.problems import MEDIA_TYPE, Problem

TEXT = (
    "Operations go in, what is known comes out. Send an API token as "
    "`Authorization: Bearer rt_…`; tokens are made under Administration, with the scopes "
    "`record` and `read`. A failure is an RFC 9457 problem whose `detail` is in the language "
    "of Accept-Language (ru, tg, en)."
)
_REF = "#/components/schemas/{name}"
_ANSWERS = tuple(
    shape
    for shape in vars(answers).values()
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and shape is not msgspec.Struct
)
_WORDS = {
    200: "As asked", 201: "Kept", 304: "As it was", 400: "The body cannot be read",
    401: "No valid token", 403: "The token lacks the scope", 404: "There is no such thing",
    411: "The length is not said", 413: "Too much at once", 415: "A media type not taken here",
    422: "The parameters are not right", 503: "The disk is full: nothing is recorded",
}  # fmt: skip


class Described(NinjaAPI):
    """An API that describes the operations it takes."""

    def get_openapi_operation_id(self, operation: Any) -> str:
        """Return the name programs know an operation of the API by."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI description."""
        schema = super().get_openapi_schema(**options)
        schema["components"].setdefault("schemas", {}).update(_shapes())
        return schema


def _shapes() -> dict[str, Any]:
    types = (AnyOperation, Problem, *KINDS.values(), *_ANSWERS)
    described, shapes = msgspec.json.schema_components(types, ref_template=_REF)
    return {**shapes, "Operation": described[0]}


def ref(shape: type | str) -> dict[str, str]:
    """Return the reference to a shape."""
    return {"$ref": _REF.format(name=shape if isinstance(shape, str) else shape.__name__)}


def json_of(shape: type | str) -> dict[str, Any]:
    """Return the content of an answer of one shape."""
    return {"application/json": {"schema": ref(shape)}}


def answers_with(
    content: dict[str, Any], *failures: int, status: int = 200, polled: bool = False
) -> dict[str, Any]:
    """Describe the answers of an operation of the API; 401 and 403 go without saying."""
    responses: dict[int, Any] = {status: {"description": _WORDS[status], "content": content}}
    if polled:
        responses[304] = {"description": _WORDS[304]}
    for code in (401, 403, *failures):
        problem = {MEDIA_TYPE: {"schema": ref(Problem)}}
        responses[code] = {"description": _WORDS[code], "content": problem}
    return {"responses": responses}
