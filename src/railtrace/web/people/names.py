"""Names of persons: the trace holds pseudonyms; who needs a name sees it, others see none."""

import json
import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.web.accounts import person_of
from railtrace.web.models import ApiToken, Person
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


# --- crews --------------------------------------------------------------------------------------

HIDDEN = "…"
WHOLE_ONLY = _(
    "this entry names the crew of a run, and a proof holds the whole entry: ask somebody who may "
    "see which crew made a run"
)


def sees_crews(request: HttpRequest) -> bool:
    """Tell whether who asks may know which crew made a run: by a role, or by a token's scope."""
    token = getattr(request, "auth", None)
    if isinstance(token, ApiToken):
        return "crews" in token.scopes
    return may(request.user, "crews")


def crew_name(request: HttpRequest, id_: str) -> str:
    """Return who of a crew, to the roles that need to know which crew made a run."""
    return person_name(request, id_) if sees_crews(request) else gettext("crew not shown")


def without_crews(request: HttpRequest, told: Any) -> Any:
    """Return a decoded entry with its crews hidden from who may not see them."""
    return told if sees_crews(request) else crews_hidden(told)


def crews_hidden(told: Any) -> Any:
    """Return a decoded entry without crews, and without the addresses of files that name them.

    A file is found by its hash alone; the sheet a run came from has the crew in its row.
    """
    if isinstance(told, list):
        return [crews_hidden(one) for one in told]
    if not isinstance(told, dict):
        return told
    hidden = {"crew"} | ({"evidence"} if told.get("kind") == "RunRecorded" else set())
    return {
        key: [HIDDEN for _one in value] if key in hidden and isinstance(value, list)
        else crews_hidden(value)
        for key, value in told.items()
    }  # fmt: skip


def names_a_crew(leaf: bytes) -> bool:
    """Tell whether an entry holds what only they may see who may see crews."""
    told = json.loads(leaf)
    return bool(crews_hidden(told) != told)
