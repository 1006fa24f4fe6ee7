"""The certificate of a release: a file that proves itself, and the same to read on paper."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_noop as _

from railtrace.catalogue.load import from_bytes
from railtrace.operating.trust import trust_of_installation
from railtrace.store.certificate import certificate_of
from railtrace.store.knowledge import Knowledge
from railtrace.trace.checkpoint import Checkpoint
from railtrace.trace.merkle import leaf_hash
from railtrace.web.clocks import clock, from_us
from railtrace.web.forms.pdf import printed
from railtrace.web.frame import home_zone
from railtrace.web.names import Names
from railtrace.web.running import the_app
from railtrace.web.templatetags.signs import role_name
from railtrace.web.trains.said import weight_word

_SHORT = 12
"""Hexadecimal digits of a hash on paper: enough to find its entry, the file proves it."""
OUTCOMES = {
    "fit": _("fit"), "doubtful": _("doubtful"), "unfit": _("unfit"), "missing": _("missing"),
    "old": _("run out"),
}  # fmt: skip
SIGNED = {
    "server_key": _("server-held key"), "passkey": _("passkey"), "paper": _("paper form"),
}  # fmt: skip


def content_of(id_: str) -> bytes:
    """Return the certificate of a decision. Raises NotFound."""
    app = the_app()
    trust = trust_of_installation(app)
    return certificate_of(app.trace, app.evidence, id_, app.checkpoint, trust)


def file(request: HttpRequest, id_: str) -> HttpResponse:
    """Send the certificate of a decision, to be checked anywhere by `railtrace-check`."""
    response = HttpResponse(content_of(id_), content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="railtrace-certificate.json"'
    return response


def sheet(request: HttpRequest, id_: str) -> HttpResponse:
    """Print the certificate in a language; its code opens the decision and its proof."""
    asked = request.GET.get("in", "")
    language = asked if asked in dict(settings.LANGUAGES) else (get_language() or "ru")[:2]
    address = request.build_absolute_uri(reverse("operation", args=[id_]))
    with override(language):
        content = printed(shown(json.loads(content_of(id_)), language), address)
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = 'inline; filename="railtrace-certificate.pdf"'
    response.headers["Content-Language"] = language
    return response


def shown(body: dict[str, Any], language: str) -> dict[str, Any]:
    """Return what the certificate prints but its code."""
    decision, leaf = json.loads(body["decision_file"]), json.loads(body["decision"]["leaf"])
    names = Names(from_bytes(body["catalogue"].encode()), language)
    knowledge, released = the_app().knowledge(), leaf["operation"]
    knowledge.load([*decision["units"], *{row.get("unit", "") for row in decision["rows"]}])
    refused = decision["outcome"] == "refused"
    return {
        "key": "certificate", "wide": True, "language": language, "ticks": [],
        "title": gettext("Refusal of a release") if refused else gettext("Certificate of release"),
        "form": _whom(decision), "railway": the_app().config.name,
        "marks": [gettext("proves itself: railtrace-check and the file of this certificate")],
        "fields": [*_fields(decision, released, names), *_proofs(body, released)],
        "tables": [
            _units(decision, knowledge, names), _reasons(decision, knowledge, names),
            *_rows(body, decision, knowledge, names), _signatures(released, names),
        ],
        "signed": [gettext("Release officer"), gettext("Taken over by")],
        "nothing": gettext("none"), "footer": _footer(body, released),
    }  # fmt: skip


def _whom(decision: dict[str, Any]) -> str:
    act = {"ready": gettext("Consist is ready"), "depart": gettext("Train may depart")}
    train = decision["train"] and gettext("Train {train}").format(train=decision["train"])
    return " · ".join(filter(None, [train, act.get(decision["act"], "")]))


def _fields(
    decision: dict[str, Any], released: dict[str, Any], names: Names
) -> Iterator[list[str]]:
    catalogue = names.catalogue
    route = catalogue.routes.get(decision["route"])
    kind = catalogue.train_kinds.get(decision["train_kind"])
    at = released["happened_at"]
    yield [gettext("Decision"), f"{words_of_outcome(decision['outcome'])} · {_local(at, names)}"]
    if decision["departs_us"]:
        yield [gettext("Departs at"), _at(decision["departs_us"], names)]
    if route is not None:
        yield [gettext("Route"), route.name(names.language)]
    if kind is not None:
        yield [gettext("Kind of train"), kind.name(names.language)]
    if decision["max_speed_kmh"]:
        yield [gettext("Highest speed"), names.value(str(decision["max_speed_kmh"]), "km/h")]
    for one in released.get("restrictions", ()):
        value = names.value(one["value"], one["unit_of_measure"]) if one.get("value") else ""
        yield [gettext("Restriction"), " ".join(filter(None, [one.get("text", ""), value]))]


def words_of_outcome(outcome: str) -> str:
    """Return what people call a decision."""
    return gettext("refused") if outcome == "refused" else gettext("released")


def _proofs(body: dict[str, Any], released: dict[str, Any]) -> Iterator[list[str]]:
    log, position = body["decision"]["log"], body["decision"]["position"]
    note = Checkpoint.parse(body["checkpoints"][log])
    yield [gettext("Entry"), f"{log} · {position}"]
    yield [gettext("Hash of the entry"), leaf_hash(body["decision"]["leaf"].encode()).hex()]
    yield [gettext("Hash of the decision"), released["decision_file"]]
    yield [gettext("Hash of the catalogue"), released["catalogue"]]
    yield [gettext("Checkpoint"), f"{note.size} · {note.root.hex()}"]


def _local(text: str, names: Names) -> str:
    moment = parse_datetime(text)
    assert moment is not None
    return clock(moment, names.language, home_zone(), "minute")


def _at(us: int, names: Names) -> str:
    return clock(from_us(us), names.language, home_zone(), "minute")


def _units(
    decision: dict[str, Any], knowledge: Knowledge, names: Names
) -> dict[str, Any]:
    rows = []
    for number, unit in enumerate(decision["units"], 1):
        passport = knowledge.passport(unit)
        rows.append([str(number), names.number(passport), names.type(passport.type), unit])
    heads = [gettext("No."), gettext("Number"), gettext("Type"), gettext("Id")]
    return {"title": gettext("Units in running order"), "heads": heads, "rows": rows}


def _reasons(
    decision: dict[str, Any], knowledge: Knowledge, names: Names
) -> dict[str, Any]:
    rows = [
        [weight_word(one["weight"]),
         names.number(knowledge.passport(one["unit"])) if one.get("unit") else "",
         one.get("text", ""), one.get("row", ""), one.get("override_reason", ""),
         _local(one["override_until"], names) if one.get("override_until") else ""]
        for one in decision["reasons"]
    ]  # fmt: skip
    heads = [gettext("Weight"), gettext("Unit"), gettext("Reason"), gettext("Rule"),
             gettext("Why it goes all the same"), gettext("Until")]  # fmt: skip
    return {"title": gettext("Reasons against it"), "heads": heads, "rows": rows}


def _rows(
    body: dict[str, Any], decision: dict[str, Any], knowledge: Knowledge, names: Names
) -> Iterator[dict[str, Any]]:
    """Every gate as rows: what was looked at; at the end the gates that found nothing."""
    entries = _entries(body)
    heads = [gettext("Unit"), gettext("What"), gettext("Reading"), gettext("Limit"),
             gettext("Verdict"), gettext("Taken"), gettext("Entry"), gettext("Hash")]  # fmt: skip
    gates = names.catalogue.release_gates
    for key in dict.fromkeys(row["gate"] for row in decision["rows"]):
        mine = [row for row in decision["rows"] if row["gate"] == key]
        rows = [_row(row, entries, knowledge, names) for row in mine]
        title = f"{gates[key].name(names.language)} · {gates[key].key}"
        yield {"title": title, "heads": heads, "rows": rows}
    seen = {row["gate"] for row in decision["rows"]} | {
        reason.get("row") for reason in decision["reasons"]}  # fmt: skip
    silent = [[gates[key].name(names.language), key] for key in decision["gates"]
              if key not in seen]  # fmt: skip
    yield {"title": gettext("Gates that found nothing"), "rows": silent,
           "heads": [gettext("Gate"), gettext("Rule")]}  # fmt: skip


def _entries(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return, by operation, the place of its entry and the beginning of its hash."""
    found = {}
    for entry in body["entries"]:
        operation = json.loads(entry["leaf"])["operation"]
        place = (f"{entry['log']} · {entry['position']}",
                 leaf_hash(entry["leaf"].encode()).hex()[:_SHORT])  # fmt: skip
        told = operation.get("replacement", operation)
        for id_ in filter(None, (operation["id"], operation.get("target"), told["id"])):
            found[id_] = place
    return found


def _row(
    row: dict[str, Any], entries: dict[str, tuple[str, str]], knowledge: Knowledge, names: Names
) -> list[str]:
    looked = row.get("looked", [])
    first = looked[0] if looked else {}
    unit = first.get("unit") or row.get("unit")
    place, hashed = entries.get(first.get("operation", ""), ("", ""))
    outcome = OUTCOMES[row.get("outcome", "fit")]
    return [
        names.unit(knowledge.passport(unit)) if unit else "", _what(row, first, names),
        _value(row, looked, names), _limit(row, names), gettext(outcome),
        _at(first["at_us"], names) if first.get("at_us") else "", place, hashed,
    ]  # fmt: skip


def _what(row: dict[str, Any], first: dict[str, Any], names: Names) -> str:
    what, catalogue = first.get("what", ""), names.catalogue
    if row["rule"] == "brake_force":
        return gettext("Brake force per 100 t")
    if row["rule"] == "heard":
        return gettext("Log of {depot}").format(depot=what)
    if row["rule"] == "amount":
        supply = catalogue.supplies.get(what or catalogue.release_gates[row["gate"]].supply)
        return supply.name(names.language) if supply else what
    if row["rule"] in ("paper", "due"):
        return what or catalogue.release_gates[row["gate"]].service
    where = f" ({names.place(first['place'])})" if first.get("place") else ""
    return names.quantity(what) + where if what else ""


def _value(row: dict[str, Any], looked: list[dict[str, Any]], names: Names) -> str:
    if not looked:
        return gettext("not asked") if row.get("outcome", "fit") == "fit" else ""
    first = looked[0]
    match row["rule"]:
        case "paper":
            until = first.get("until_us")
            return gettext("until {day}").format(day=_at(until, names)) if until else ""
        case "heard":
            return gettext("heard of on {day}").format(day=_at(first["until_us"], names))
        case "brake_force":
            force, mass = Decimal(first["value"]), Decimal(looked[1]["value"])
            return f"{names.value(f'{100 * force / mass:.1f}', '1')} ({force} / {mass})"
        case "height":
            return " / ".join(names.value(one["value"], one["unit_of_measure"]) for one in looked)
        case "due":
            return names.value(f"{float(first['value']):.0f}", first["unit_of_measure"])
    return names.measured(first["value"], first.get("uncertainty"), first["unit_of_measure"])


def _limit(row: dict[str, Any], names: Names) -> str:
    unit = row["looked"][0].get("unit_of_measure", "") if row.get("looked") else ""
    if row["rule"] == "due":
        most = f"{float(row['max']):.0f}"
        return f"≤ {names.value(most, unit)}"
    if row["rule"] == "heard":
        return gettext("heard of again by {day}, or {hours} h before").format(
            day=_at(row["departs_us"], names), hours=row["max_age_h"])  # fmt: skip
    bounds = (("≥", row.get("min")), ("≤", row.get("max")))
    said = " ".join(f"{sign} {names.value(bound, unit)}" for sign, bound in bounds if bound)
    return f"{said} · {row['limit']}" if row.get("limit") else said


def _signatures(released: dict[str, Any], names: Names) -> dict[str, Any]:
    rows = []
    for one in released.get("signatures", []):
        how = SIGNED[one["method"]]
        rows.append([one["person"], role_name(one["role"]), gettext(how),
                     _local(one["signed_at"], names),
                     one.get("public_key", "") or released.get("number", "")])  # fmt: skip
    heads = [gettext("Person"), gettext("Role"), gettext("How"), gettext("Signed at"),
             gettext("Key or number")]  # fmt: skip
    return {"title": gettext("Signatures"), "heads": heads, "rows": rows}


def _footer(body: dict[str, Any], released: dict[str, Any]) -> str:
    log, position = body["decision"]["log"], body["decision"]["position"]
    return f"{released['id']} · {log} · {position}"
