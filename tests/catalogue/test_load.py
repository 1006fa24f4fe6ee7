import hashlib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from railtrace.catalogue.load import from_bytes, load, read
from railtrace.catalogue.rows import KINDS, Catalogue, Row
from railtrace.errors import CatalogueError
from railtrace.trace.numbers import check_number
from railtrace.trace.operation import Number, UnitOfMeasure

SHIPPED = load()
LIMIT = {
    "key": '"flange.site"',
    "ru": '"Гребень"',
    "en": '"Flange"',
    "source": '"Order 12 of the railway, 2026, cl. 3"',
    "jurisdiction": '"TJ"',
    "valid_from": "2026-01-01",
    "quantity": '"flange_thickness"',
    "unit": '"mm"',
    "min": '"26"',
}


def rows() -> list[tuple[str, Row]]:
    return [(kind, row) for kind in KINDS for row in getattr(SHIPPED, kind).values()]


def site(folder: Path, kind: str = "limits", **changes: str | None) -> Path:
    """Write one row, a valid limit but for the changes; None leaves a field out."""
    fields = {key: value for key, value in (LIMIT | changes).items() if value is not None}
    lines = [f"[[{kind}]]", *(f"{key} = {value}" for key, value in fields.items())]
    (folder / "site.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_every_kind_of_row_is_shipped_and_each_row_names_its_source() -> None:
    assert {kind for kind, _ in rows()} == set(KINDS)
    assert [row.key for _, row in rows() if len(row.source) < 10 or "http" in row.source] == []


def test_what_is_said_to_be_remembered_is_not_confirmed() -> None:
    limits = SHIPPED.limits.values()
    assert [x.key for x in limits if "ПТЭ, from memory" in x.source and x.confirmed] == []
    assert not SHIPPED.limits["press_force.solid_wheel.locomotive"].confirmed
    assert SHIPPED.limits["rim.freight.pte"].confirmed


def test_keys_that_operations_name_are_short_and_ascii() -> None:
    named = [*SHIPPED.vehicle_types, *SHIPPED.part_types, *SHIPPED.quantities, *SHIPPED.limits]
    assert [key for key in named if not key.isascii() or len(key) > 48] == []


def test_no_key_is_both_a_vehicle_type_and_a_part_type() -> None:
    assert SHIPPED.vehicle_types.keys() & SHIPPED.part_types.keys() == set()


def test_units_of_measure_and_number_schemes_are_those_of_the_trace() -> None:
    assert set(SHIPPED.units_of_measure) == set(get_args(UnitOfMeasure))
    assert set(SHIPPED.number_schemes) == set(get_args(Number.__annotations__["scheme"]))


def test_the_example_of_each_number_scheme_is_in_its_normal_form() -> None:
    for key, scheme in SHIPPED.number_schemes.items():
        assert check_number(key, scheme.example) == scheme.example


def test_a_name_falls_back_on_russian() -> None:
    side_frame = SHIPPED.part_types["side_frame"]
    without = msgspec.structs.replace(side_frame, tg="")
    assert (without.name("tg"), without.name("en")) == ("Боковая рама", "Side frame")


def test_a_catalogue_survives_its_bytes_and_is_named_by_their_hash() -> None:
    content = SHIPPED.canonical_bytes()
    again = from_bytes(content)
    assert again == SHIPPED
    assert again.canonical_bytes() == content
    assert again.hash == hashlib.sha256(content).hexdigest()


def test_the_order_of_files_and_rows_does_not_change_the_hash(tmp_path: Path) -> None:
    row = '[[places]]\nkey = "{}"\nru = "а"\nen = "a"\nsource = "own"\njurisdiction = "-"\n'
    row += "valid_from = 2026-01-01\n"
    here = '[[jurisdictions]]\nkey = "-"\nru = "-"\nen = "-"\nsource = "own"\njurisdiction = "-"\n'
    here += "valid_from = 2026-01-01\nprecedence = 1\n"
    for name, texts in {"x": [here, "in", "out"], "y": ["out", here, "in"]}.items():
        (tmp_path / name).mkdir()
        for number, text in enumerate(texts):
            content = text if "[[" in text else row.format(text)
            (tmp_path / name / f"{number}.toml").write_text(content, encoding="utf-8")
    assert read(tmp_path / "x").hash == read(tmp_path / "y").hash


def test_foreign_bytes_are_not_a_catalogue() -> None:
    for content in (b"{", b"[]", b'{"format":"railtrace-catalogue/9"}', b"\xff"):
        with pytest.raises(CatalogueError, match="these bytes are not a catalogue"):
            from_bytes(content)
    assert from_bytes(Catalogue().canonical_bytes()) == Catalogue()


def test_a_site_row_replaces_the_shipped_row_of_its_key(tmp_path: Path) -> None:
    own = load(site(tmp_path, key='"flange.pte"'))
    assert (own.limits["flange.pte"].min, own.limits["flange.pte"].max) == ("26", None)
    assert len(own.limits) == len(SHIPPED.limits)
    assert own.hash != SHIPPED.hash


def test_defaults_fill_what_the_rows_of_a_file_leave_out(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text(
        '[defaults]\nsource = "Order 12"\njurisdiction = "TJ"\nvalid_from = 2026-01-01\n'
        'unit = "mm"\nru = "Обод"\nen = "Rim"\nquantity = "rim_thickness"\nmin = "24"\n'
        '[[limits]]\nkey = "rim.a"\n[[limits]]\nkey = "rim.b"\nmin = "25"\n',
        encoding="utf-8",
    )
    own = load(tmp_path)
    assert (own.limits["rim.a"].min, own.limits["rim.b"].min) == ("24", "25")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": None}, "limits flange.site: Object missing required field `source`"),
        ({"source": '" "'}, r"limits flange.site: .* - at `\$.source`"),
        ({"colour": '"red"'}, "limits flange.site: Object contains unknown field `colour`"),
        ({"valid_from": '"soon"'}, r"flange.site: .* - at `\$.valid_from`"),
        ({"key": None}, "limits without a key: Object missing required field `key`"),
        ({"key": '"гребень"'}, r"limits гребень: .* - at `\$.key`"),
        ({"valid_to": "2025-12-31"}, "valid_to: 2025-12-31 is before valid_from 2026-01-01"),
        ({"jurisdiction": '"XX"'}, "jurisdiction: 'XX' is not among the jurisdictions"),
        ({"quantity": '"flange_thicknes"'}, "quantity: .* the quantities; flange_thickness is"),
        ({"part_types": '["whelset"]'}, "part_types: 'whelset' is not among the part_types"),
        ({"vehicle_classes": '["ship"]'}, r"flange.site: .* - at `\$.vehicle_classes\[0\]`"),
        ({"place": '"middle"'}, "place: 'middle' is not among the places"),
        ({"unit": '"inch"'}, "unit: 'inch' is not among the units_of_measure"),
        ({"unit": '"m"'}, "unit: m is not mm, the unit of flange_thickness"),
        ({"min": '"25,5"'}, "min: '25,5' is not a decimal number; write it like 25.5"),
        ({"min": "25.5"}, r"flange.site: .* - at `\$.min`"),
        ({"min": None}, "min: a limit has min, max or both"),
        ({"max": '"25.9"'}, "min: 26 is over max 25.9"),
        ({"max_speed_kmh_from": "9", "max_speed_kmh_to": "9"}, "max_speed_kmh_to: is not over"),
        ({"guard": '"mandatory"'}, "guard: an unconfirmed limit cannot be mandatory"),
        ({"kind": "limit"}, "limit is no kind of row; kinds are jurisdictions, units_of_measure"),
    ],
)
def test_a_wrong_row_is_named_by_file_key_and_field(
    tmp_path: Path, changes: dict[str, str | None], message: str
) -> None:
    with pytest.raises(CatalogueError, match=r"site\.toml: .*" + message):
        load(site(tmp_path, **changes))  # type: ignore[arg-type]


def test_a_key_cannot_be_given_twice_in_one_folder(tmp_path: Path) -> None:
    (site(tmp_path) / "site.toml").rename(tmp_path / "first.toml")
    with pytest.raises(CatalogueError, match=r"site\.toml: limits flange\.site: .*first\.toml"):
        load(site(tmp_path))


def test_a_part_cannot_hold_itself(tmp_path: Path) -> None:
    inner = '[{ position = "wheelset", part_type = "wheelset_freight" }]'
    folder = site(tmp_path, "part_types", key='"axle_box"', parts=inner, quantity=None, unit=None,
                  min=None)  # fmt: skip
    with pytest.raises(CatalogueError, match="cannot hold parts of its own type"):
        load(folder)


def test_a_position_cannot_be_there_twice(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        '[[vehicle_types]]\nkey = "own"\nru = "Свой"\nen = "Own"\nsource = "own"\n'
        'jurisdiction = "TJ"\nvalid_from = 2026-01-01\nvehicle_class = "coach"\nlayout = "coach"\n'
        'body = "coach"\nlength_m = 24\nbogie_wheelbase_m = 2\nwheel_diameter_m = 0.9\n'
        'also = [{ position = "boiler", part_type = "boiler" }]\n',
        encoding="utf-8",
    )
    with pytest.raises(CatalogueError, match="own: layout: position boiler is there 2 times"):
        load(tmp_path)


def test_a_broken_file_or_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[[limits", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"site\.toml: "):
        load(tmp_path)
    with pytest.raises(CatalogueError, match="nowhere is not a folder of catalogue rows"):
        load(tmp_path / "nowhere")


def test_every_name_that_a_reader_sees_is_there_in_tajik() -> None:
    """Layouts and bodies are shapes: their names stand on no page."""
    seen = [(kind, row) for kind, row in rows() if kind not in {"layouts", "bodies"}]
    assert [f"{kind} {row.key}" for kind, row in seen if not row.tg] == []
