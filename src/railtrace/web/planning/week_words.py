"""The jobs, steps and resources of a week, and its faults, in the reader's words."""

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from railtrace.analysis.schedule import Fault, Resource
from railtrace.web.clocks import from_us
from railtrace.web.names import Names
from railtrace.web.people.names import person_name
from railtrace.web.planning.week import HANDS, NOT_PLANNED, Week
from railtrace.web.running import the_app

FAULTS = {
    "no_such_task": _("there is no such step in the plan any more: plan anew"),
    "wrong_duration": _("it is planned for another time than it takes"),
    "wrong_resource": _("{resource} cannot do it"),
    "before_release": _("it would begin before now"),
    "outside_shift": _("{resource} does not work then"),
    "planned_twice": _("it is planned twice"),
    "not_planned": _("a step of it finds no place any more"),
    "out_of_order": _("the step before it ends later: {before}"),
    "taken_twice": _("{resource} is at work on {other} then"),
    "place_taken": _("{resource} is taken by {other} then"),
    "no_place": _("it has no track then"),
    "wrong_place": _("it does not stand on {resource}"),
}


class WeekWords:
    """The jobs, steps and resources of a week in the reader's words."""

    def __init__(self, request: HttpRequest, laid: Week, names: Names) -> None:
        self.request, self.laid, self.names = request, laid, names
        self.knowledge = the_app().knowledge()
        machines = [r.key for r in laid.resources if not r.place and "|" not in r.key]
        units = [line.unit for line in laid.lines.values()]
        self.knowledge.load(sorted({*units, *machines, *(u for _, u, _ in laid.skipped)}))
        self.known = {r.key: r for r in laid.resources}
        self.rights = names.catalogue.qualifications

    def is_person(self, resource: Resource) -> bool:
        return bool({HANDS, *self.rights} & set(resource.kinds))

    def kind_of(self, resource: Resource) -> str:
        """Return what a resource is, in a few words."""
        if resource.place:
            return gettext("Track")
        if resource.key in self.laid.people:
            names = [self.rights[k].name(self.names.language) for k in resource.kinds
                     if k in self.rights]  # fmt: skip
            return ", ".join(names)
        if self.is_person(resource):
            return gettext("any worker")
        type_ = self.names.type(self.knowledge.passport(resource.key).type)
        return "" if self.resource(resource.key).startswith(type_) else type_

    def resource(self, key: str) -> str:
        resource = self.known.get(key)
        if resource is not None and resource.place:
            track, _, position = key.partition("/")
            site = the_app().config.sites.get(self.laid.site)
            spec = site.tracks.get(track) if site else None
            return f"{spec.name(self.names.language) if spec else track} · {position}"
        if key in self.laid.people:
            return person_name(self.request, key)
        if key.startswith(f"{HANDS} "):
            return gettext("Worker %s") % key.removeprefix(f"{HANDS} ")
        return self.names.unit(self.knowledge.passport(key))

    def job(self, key: str) -> str:
        line = self.laid.lines.get(key)
        return key if line is None else self.names.unit(self.knowledge.passport(line.unit))

    def process(self, key: str) -> str:
        line = self.laid.lines[key]
        process = self.names.catalogue.processes.get(line.process)
        return process.name(self.names.language) if process else line.process

    def step(self, key: str, number: int) -> str:
        line = self.laid.lines.get(key)
        if line is None or number < 0:
            return self.process(key) if line else ""
        return self.step_of(key, line.steps[number])

    def step_of(self, key: str, step: str) -> str:
        process = self.names.catalogue.processes.get(self.laid.lines[key].process)
        found = process.step(step) if process else None
        return found.name(self.names.language) if found else step

    def faults(self, found: list[Fault], laid: Week) -> list[str]:
        return list(dict.fromkeys(self._fault(fault, laid) for fault in found))

    def _fault(self, fault: Fault, laid: Week) -> str:
        values = {k: self.resource(v) if k == "resource" else self.job(v) if k == "other" else v
                  for k, v in fault.values.items()}  # fmt: skip
        values |= {"before": self._before(fault, laid)}
        values.setdefault("resource", gettext("What was chosen"))
        why = gettext(FAULTS[fault.name]).format(**values)
        return f"{self.job(fault.job)}, {self.step(fault.job, fault.number)}: {why}"

    def _before(self, fault: Fault, laid: Week) -> str:
        ends = [e.end_h for e in laid.assigned
                if (e.job, e.number) == (fault.job, fault.number - 1)]  # fmt: skip
        zone = the_app().config.zone_of(laid.site)
        return from_us(laid.us(ends[0])).astimezone(zone).strftime("%d.%m %H:%M") if ends else ""

    def late(self, laid: Week) -> list[tuple[str, str, float]]:
        """Return the jobs that end after they are wanted: name, process, hours."""
        late = [(job, laid.plan.end_h(job.key) - job.due_h) for job in laid.jobs
                if job.key not in laid.left]  # fmt: skip
        late.sort(key=lambda row: -row[1])
        return [(self.job(job.key), self.process(job.key), hours) for job, hours in late
                if hours > 0.01]  # fmt: skip

    def skipped(self, laid: Week) -> list[tuple[str, str, str]]:
        return [(order, self.names.unit(self.knowledge.passport(unit)), gettext(NOT_PLANNED[why]))
                for order, unit, why in laid.skipped]  # fmt: skip
