"""The gateway's own page and metrics: Python's own server, no Django, no script needed."""

import gettext
import html
import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from railtrace.devices.gateway import by_hand
from railtrace.devices.gateway.intake import utc_now
from railtrace.devices.gateway.outbox import Row
from railtrace.devices.gateway.port import Port
from railtrace.devices.gateway.run import Running
from railtrace.errors import ConfigError, RailtraceError

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
LOCALE = Path(__file__).parents[2] / "web" / "locale"
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--bad:#b3261e;--good:#1b7f4b;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--good:#7bd8a5;--warn:#ffd18a}}
*{box-sizing:border-box}body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:75rem;
padding:1rem}h1{font-size:1.35rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:.6rem 0}.facts b{display:block;
font-size:1.3rem}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:
left;padding:.45rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600}
td.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:var(--bad)}.good{color:
var(--good)}.warn{color:var(--warn)}article{border:1px solid var(--line);border-radius:.5rem;
padding:.7rem .9rem;margin:.6rem 0;background:var(--soft)}form{display:flex;flex-wrap:wrap;
gap:.5rem;margin-top:.6rem}input{font:inherit;padding:.45rem .6rem;min-width:12rem;flex:1}
button{font:inherit;padding:.5rem .9rem;min-height:2.75rem;cursor:pointer}code{font-size:.9em}
small{opacity:.75}
"""


def words(language: str) -> Callable[[str], str]:
    """Return the translator of a language, from the texts of the web app."""
    return _catalogue(language).gettext


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("django", LOCALE, [language], fallback=True)


# The words of the page, so that translators find them among the others.
def _(text: str) -> str:
    return text


def in_words(error: RailtraceError | None, say: Callable[[str], str]) -> str:
    """Return an error in a person's language."""
    if error is None:
        return ""
    template = say(error.template)
    return template.format(**error.values) if error.values else template


_WORDS = {
    "gateway": _("Gateway"), "machines": _("Machines"), "held": _("Waiting for a person"),
    "nothing held": _("Nothing waits for a person."), "unknown": _("unknown machine"),
    "connected": _("connected"), "not connected": _("not connected"),
    "simulated": _("simulated"), "new": _("it is a new result"),
    "nowhere": _("There is nothing at this address."),
    "old": _("The page is too old: open it again."),
}  # fmt: skip


class Page:
    """Serves the page of a running gateway at an address of its settings."""

    def __init__(self, gateway: Running) -> None:
        self._gateway, self._mark = gateway, secrets.token_urlsafe(16)
        self._say = words(gateway.config.language)
        host, _colon, port = gateway.config.page.rpartition(":")
        page = self

        class Handler(BaseHTTPRequestHandler):
            server_version, sys_version = "railtrace-gateway", ""

            def do_GET(self) -> None:
                self._give(*page.get(self.path))

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), 65536)
                form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
                self._give(*page.post(self.path, {k: v[0] for k, v in form.items()}))

            def _give(self, status: int, kind: str, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                if status == 303:
                    self.send_header("Location", text)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", _POLICY)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Say nothing of every request."""

        try:
            self._server = ThreadingHTTPServer((host, int(port)), Handler)
        except (OSError, ValueError) as error:
            raise ConfigError("page {address}: {problem}", address=gateway.config.page,
                              problem=error) from error  # fmt: skip
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    @property
    def address(self) -> str:
        """The page's address."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    # --- answers -----------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, str, str]:
        """Return (status, media type, text)."""
        match path.partition("?")[0]:
            case "/":
                return 200, "text/html", self._page()
            case "/metrics":
                return 200, "text/plain", metrics(self._gateway)
            case "/status.json":
                return 200, "application/json", json.dumps(status(self._gateway))
        return 404, "text/plain", self._say(_WORDS["nowhere"])

    def post(self, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        """Carry out what a person decided about a held result."""
        if not secrets.compare_digest(form.get("mark", ""), self._mark):
            return 403, "text/plain", self._say(_WORDS["old"])
        try:
            self._decide(path.strip("/"), int(form.get("seq", "0")), form)
        except (RailtraceError, ValueError) as error:
            told = error if isinstance(error, RailtraceError) else RailtraceError(str(error))
            return 200, "text/html", self._page(in_words(told, self._say))
        self._gateway.sender.wake()
        return 303, "text/plain", "/"

    def _decide(self, what: str, seq: int, form: dict[str, str]) -> None:
        outbox = self._gateway.outbox
        match what:
            case "send":
                by_hand.send(outbox, seq, form.get("part", "").strip(), "as_new" in form)
            case "aside":
                by_hand.set_aside(outbox, seq, form.get("reason", ""))
            case "read":
                by_hand.read_again(outbox, seq, reader(self._gateway))

    # --- the page ----------------------------------------------------------------------------

    def _page(self, said: str = "") -> str:
        gateway, say = self._gateway, self._say
        told = f'<p class="bad" role="alert">{html.escape(said)}</p>' if said else ""
        title = f"{say(_WORDS['gateway'])} {html.escape(gateway.config.name)}"
        return (
            f'<!doctype html><html lang="{gateway.config.language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<meta http-equiv="refresh" content="{"600" if said else "20"}"><title>{title}</title>'
            f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{told}{self._facts()}"
            f"<h2>{say(_WORDS['machines'])}</h2>{self._machines()}"
            f"<h2>{say(_WORDS['held'])}</h2>{self._held()}</body></html>"
        )

    def _facts(self) -> str:
        gateway, say = self._gateway, self._say
        told = status(gateway)
        error = in_words(gateway.sender.error, say)
        line = f'<p class="bad" role="alert">{html.escape(error)}</p>' if error else ""
        facts = [
            (_("Waiting to be sent"), told["depth"]),
            (_("Waiting for a person"), told["held"]),
            (_("Sent since the start"), told["sent"]),
            (_("The oldest waits since"), self._moment(told["oldest"])),
        ]
        return '<div class="facts">' + "".join(
            f"<div>{html.escape(say(name))}<b>{html.escape(str(value))}</b></div>"
            for name, value in facts
        ) + f"</div>{line}"  # fmt: skip

    def _moment(self, text: str | None) -> str:
        if not text:
            return "—"
        zone = ZoneInfo(self._gateway.config.time_zone)
        return datetime.fromisoformat(text).astimezone(zone).strftime("%d.%m.%Y %H:%M:%S")

    def _machines(self) -> str:
        say = self._say
        heads = (_("Machine"), _("State"), _("Phase"), _("Part"), _("Waiting to be sent"),
                 _("Last error"))  # fmt: skip
        head = "".join(f"<th>{html.escape(say(name))}</th>" for name in heads)
        counts = self._gateway.outbox.counts()
        rows = "".join(self._machine(port, counts) for port in self._gateway.ports.values())
        return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'

    def _machine(self, port: Port, counts: dict[tuple[str, str], int]) -> str:
        say, language = self._say, self._gateway.config.language
        state = (
            f'<span class="good">✓ {html.escape(say(_WORDS["connected"]))}</span>' if port.connected
            else f'<span class="bad">✗ {html.escape(say(_WORDS["not connected"]))}</span>'
        )  # fmt: skip
        phases = {phase.key: getattr(phase, language) for phase in port.manifest.phases}
        phase = str(port.live.get("phase", ""))
        cells = (
            f"{html.escape(port.manifest.name(language))}<br><small>{html.escape(port.name)}</small>",
            state + self._simulated(port),
            html.escape(phases.get(phase, phase if phase != "idle" else "—")),
            html.escape(str(port.live.get("part", ""))),
            str(counts.get((port.name, "waiting"), 0)),
            html.escape(in_words(port.error or port.last_error, say)),
        )  # fmt: skip
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

    def _simulated(self, port: Port) -> str:
        word = html.escape(self._say(_WORDS["simulated"]))
        return f'<br><small class="warn">⚠ {word}</small>' if port.simulated else ""

    def _held(self) -> str:
        rows = self._gateway.outbox.held(100)
        if not rows:
            return f"<p>{html.escape(self._say(_WORDS['nothing held']))}</p>"
        return "".join(self._article(row) for row in rows)

    def _article(self, row: Row) -> str:
        say = self._say
        why = in_words(RailtraceError(row.template, **row.said), say)
        name = f"{row.device or say(_WORDS['unknown'])} · {row.result_id or row.channel}"
        moment = self._moment(row.received_at.isoformat())
        forms = self._form(row, "aside", say(_("Set aside")), "reason", say(_("Why")))
        if row.body is None:
            forms = self._form(row, "read", say(_("Read again"))) + forms
        else:
            new = (
                '<label><input type="checkbox" name="as_new" style="min-width:auto;flex:0"> '
                f"{html.escape(say(_WORDS['new']))}</label>"
            )
            hint = say(_("Number of the part, if it is another"))
            forms = self._form(row, "send", say(_("Send")), "part", hint, new) + forms
        return (f"<article><b>{html.escape(name)}</b> <small>{moment}</small><br>"
                f"{html.escape(why)}{forms}</article>")  # fmt: skip

    def _form(
        self, row: Row, what: str, button: str, field: str = "", hint: str = "", more: str = ""
    ) -> str:
        text = (f'<input name="{field}" aria-label="{html.escape(hint)}" '
                f'placeholder="{html.escape(hint)}">') if field else ""  # fmt: skip
        return (
            f'<form method="post" action="/{what}"><input type="hidden" name="mark" '
            f'value="{self._mark}"><input type="hidden" name="seq" value="{row.seq}">{text}{more}'
            f"<button>{html.escape(button)}</button></form>"
        )


def reader(gateway: Running) -> by_hand.Read:
    """Return what reads a kept message again: by its topic, where its machine was unknown."""
    def read(device: str, message: Any) -> Any:
        port = gateway.ports.get(device) or next(
            (p for p in gateway.ports.values()
             if p.device.topic and f"{p.device.topic.strip('/')}/result" == message.channel), None
        )  # fmt: skip
        if port is None:
            raise RailtraceError(
                "no machine is registered at {channel}: add it to the settings of the gateway, "
                "then read this again",
                channel=message.channel,
            )
        return port.intake.drafts(message)

    return read


def status(gateway: Running) -> dict[str, Any]:
    """Return what a program would want to know."""
    counts, oldest = gateway.outbox.counts(), gateway.outbox.oldest()
    return {
        "gateway": gateway.config.name, "at": utc_now().isoformat(),
        "started_at": gateway.started_at.isoformat(), "sent": gateway.sender.sent,
        "sent_again": gateway.sender.again,
        "depth": sum(n for (_d, state), n in counts.items() if state == "waiting"),
        "held": sum(n for (_d, state), n in counts.items() if state == "held"),
        "bytes": gateway.outbox.size(),
        "oldest": min(oldest.values()).isoformat() if oldest else None,
        "error": str(gateway.sender.error or ""),
        "devices": {
            name: {
                "kind": port.manifest.kind, "connected": port.connected,
                "silent_s": round(port.silent_s(), 1), "restarts": port.restarts,
                "results": port.results, "live": port.live,
                "depth": counts.get((name, "waiting"), 0), "held": counts.get((name, "held"), 0),
                "oldest": oldest[name].isoformat() if name in oldest else None,
                "error": str(port.error or ""), "last_error": str(port.last_error or ""),
            }
            for name, port in gateway.ports.items()
        },
    }  # fmt: skip


_METRICS = {
    "depth": "gauge", "held": "gauge", "results": "counter", "restarts": "counter",
    "silent_s": "gauge", "connected": "gauge",
}  # fmt: skip


def metrics(gateway: Running) -> str:
    """Return the same in Prometheus's text form."""
    told, lines = status(gateway), []
    for name, kind in _METRICS.items():
        metric = f"railtrace_gateway_{name}"
        lines.append(f"# TYPE {metric} {kind}")
        lines += [
            f'{metric}{{device="{device}"}} {float(state[name]):g}'
            for device, state in told["devices"].items()
        ]
    since = datetime.fromisoformat(told["oldest"]) if told["oldest"] else utc_now()
    age = (utc_now() - since).total_seconds()
    for name, value in (("outbox_bytes", told["bytes"]), ("sent_total", told["sent"]),
                        ("oldest_seconds", age), ("trace_error", bool(told["error"]))):  # fmt: skip
        lines += [f"railtrace_gateway_{name} {float(value):g}"]
    return "\n".join(lines) + "\n"
