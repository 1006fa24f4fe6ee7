"""What a person calls things: names from the catalogue in the reader's language."""

from dataclasses import dataclass

from django.utils.translation import gettext, pgettext

from railtrace.catalogue.layout import position_name
from railtrace.catalogue.rows import Catalogue, Row
from railtrace.projections.passport import Passport
from railtrace.web import words
from railtrace.web.figures import figure, number_as_painted, with_unit


@dataclass(frozen=True)
class Names:
    """Names in one language from one catalogue."""

    catalogue: Catalogue
    language: str

    def type(self, key: str) -> str:
        """Return the name of a vehicle or part type."""
        row = (
            self.catalogue.vehicle_types.get(key)
            or self.catalogue.part_types.get(key)
            or self.catalogue.locomotive_types.get(key)
            or self.catalogue.equipment_types.get(key)
        )
        return row.name(self.language) if row else key

    def state(self, key: str) -> str:
        """Return the name of a state of units."""
        row = self.catalogue.unit_states.get(key)
        return row.name(self.language) if row else key

    def quantity(self, key: str) -> str:
        """Return the name of a quantity."""
        row = self.catalogue.quantities.get(key)
        return row.name(self.language) if row else key

    def place(self, key: str) -> str:
        """Return the name of a place of a reading."""
        row = self.catalogue.places.get(key)
        return row.name(self.language) if row else self.position(key) if key else ""

    def unit_of_measure(self, sign: str) -> str:
        """Return the printed sign of a unit of measure."""
        row = self.catalogue.units_of_measure.get(sign)
        return row.name(self.language) if row else sign

    def source(self, row: Row) -> str:
        """Return where a row's value comes from; a site's own words stay as they were written."""
        return pgettext("source", row.source)

    def jurisdiction(self, key: str) -> str:
        """Return whose norm a row is."""
        row = self.catalogue.jurisdictions.get(key)
        return row.name(self.language) if row else key

    def position(self, path: str) -> str:
        """Return the name of a position, from the outside in."""
        steps = path.split("/") if path else []
        paths = ["/".join(steps[: i + 1]) for i in range(len(steps))]
        return ", ".join(self.step(path) for path in paths)

    def fault(self, code: str) -> str:
        """Return the name of a fault by its code; a code that has none is shown as written."""
        row = self.catalogue.fault_of.get(code)
        return row.name(self.language) if row else code

    def step(self, path: str) -> str:
        """Return the name of the last step of a position, without what it is in."""
        side = self.catalogue.places.get(path.rpartition("/")[2])
        if side is not None:
            return side.name(self.language)
        return position_name(self.catalogue, path, self.language) if path else ""

    def value(self, value: str, unit: str, places: int | None = None) -> str:
        """Write a reading with its unit."""
        return with_unit(value, self.unit_of_measure(unit), self.language, places)

    def measured(self, value: str, uncertainty: str | None, unit: str) -> str:
        """Write a value with its uncertainty before the unit both share."""
        if not uncertainty:
            return self.value(value, unit)
        return f"{figure(value, self.language)} ± {self.value(uncertainty, unit)}"

    def vehicle_class(self, type_: str) -> str:
        """Return the class of a type, `part` for parts, "" for what the catalogue lacks."""
        known = type_ in self.catalogue.part_types or self.catalogue.class_of(type_) != "part"
        return self.catalogue.class_of(type_) if known else ""

    def number(self, passport: Passport) -> str:
        """Return the number a unit is called by, as painted; its id when it has none."""
        number = passport.primary()
        if number is None:
            return passport.unit
        return number_as_painted(number.scheme, number.value, self.vehicle_class(passport.type))

    def unit(self, passport: Passport) -> str:
        """Return type and number of a unit; a locomotive's number begins with its series."""
        number = passport.primary()
        if number is not None and number.scheme == "series":
            return self.number(passport)
        if number is None and (said := self._no_unit(passport.unit)):
            return said
        return f"{self.type(passport.type)} {self.number(passport)}".strip()

    def _no_unit(self, id_: str) -> str:
        """Return what views keep like a unit, a lot or a sending list, in words."""
        kind, _colon, rest = id_.partition(":")
        if kind == "list":
            return gettext("Sending list {list}").format(list=rest)
        if kind == "lot" and rest.count(":") == 2:
            store, item, lot = rest.split(":")
            return gettext("{type}, lot {lot}, {store}").format(
                type=self.type(item), lot=lot, store=store
            )
        return ""

    def _counted(self, value: str) -> str:
        """Write what a meter shows, without the zeros that say nothing."""
        short = value.rstrip("0").rstrip(".") if "." in value else value
        return figure(short, self.language)

    def contradiction(self, name: str, values: dict[str, str]) -> str:
        """Return a contradiction as a sentence."""
        template = gettext(words.CONTRADICTIONS.get(name, name))
        shown = dict(values)
        if "kind" in shown:
            shown["kind"] = gettext(words.word(words.KINDS, shown["kind"]))
        if name in ("two_states_at_once", "state_was_other"):
            shown = {key: self.state(value) for key, value in shown.items()}
        if name == "larger_than_before":
            shown |= {
                "quantity": self.quantity(shown["quantity"]), "place": self.place(shown["place"]),
                "unit": self.unit_of_measure(shown["unit"]), "before": figure(
                    shown["before"], self.language), "now": figure(shown["now"], self.language),
            }  # fmt: skip
        if name in ("counter_goes_back", "run_counter_goes_back", "negative_km"):
            told = {"shown", "counted"} & shown.keys()
            shown |= {key: self._counted(shown[key]) for key in told}
        if "position" in shown:
            shown["position"] = self.position(shown["position"])
        try:
            return template.format(**shown)
        except (KeyError, IndexError):
            return f"{template} {shown}"
