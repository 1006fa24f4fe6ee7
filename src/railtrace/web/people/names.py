"""Names of persons: the trace holds pseudonyms; who needs a name sees it, others see none."""

import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext

from railtrace.web.accounts import person_of
from railtrace.web.models import Person
from railtrace.web.roles import may

_PSEUDONYM = re.compile(r"\bp-[A-Za-z0-9._:@/-]+")


def person_name(request: HttpRequest, id_: str) -> str:
    """Return what the reader may know of a person: name, pseudonym, or that there is somebody."""
    if not id_.startswith("p-"):
        return id_
    user = request.user
    if not may(user, "persons") and person_of(user).person_id != id_:
        return gettext("name not shown to your role")
    return _names(request).get(id_) or id_


def _names(request: HttpRequest) -> dict[str, str]:
    """Read everybody's name once a request; an erased one is empty."""
    if "person_names" not in vars(request):
        people = Person.objects.select_related("user").filter(user__is_active=True)
        vars(request)["person_names"] = {
            person.person_id: person.user.get_full_name() or person.user.get_username()
            for person in people
        }
    names: dict[str, str] = vars(request)["person_names"]
    return names


def without_names(request: HttpRequest, text: str) -> str:
    """Return a text of the trace with its pseudonyms hidden from who may not see persons."""
    return text if may(request.user, "persons") else _PSEUDONYM.sub("p-…", text)


def crew_name(request: HttpRequest, id_: str) -> str:
    """Return who of a crew, to the roles that need to know which crew made a run."""
    return person_name(request, id_) if may(request.user, "crews") else gettext("crew not shown")


def without_crews(request: HttpRequest, told: Any) -> Any:
    """Return a decoded entry with its crews hidden from who may not see them."""
    if may(request.user, "crews"):
        return told
    if isinstance(told, dict):
        return {key: ["…"] * len(value) if key == "crew" and isinstance(value, list)
                else without_crews(request, value) for key, value in told.items()}  # fmt: skip
    return [without_crews(request, one) for one in told] if isinstance(told, list) else told
