import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from railtrace.errors import BadOperation
from railtrace.trace.numbers import (
    check_number,
    esr_check_digit,
    evn_check_digit,
    network_check_digit,
    painted,
)

SEVEN_DIGITS = st.text("0123456789", min_size=7, max_size=7)
SCHEMES = st.sampled_from(["network8", "series", "evn", "serial", "other"])


@pytest.mark.parametrize("number", ["51037059", "57135303", "24548885", "07312317"])
def test_a_network_number_of_the_literature_is_valid(number: str) -> None:
    assert check_number("network8", number) == number


@pytest.mark.parametrize(("number", "wanted"), [("61558402", 9), ("52413718", 3), ("52134789", 0)])
def test_a_wrong_check_digit_is_refused_with_the_digit_wanted(number: str, wanted: int) -> None:
    message = f"{number}: check digit {number[-1]} is wrong, {wanted} wanted"
    with pytest.raises(BadOperation, match=message):
        check_number("network8", number)


@pytest.mark.parametrize(
    ("seven", "wanted"),
    [
        ("1225441", 3), ("1225442", 1),
        ("1625001", 1), ("1625002", 9), ("1626001", 0),
        ("1690103", 5),
    ],
)  # fmt: skip
def test_locomotive_sections_have_the_check_digits_of_the_rule(seven: str, wanted: int) -> None:
    assert network_check_digit(seven) == wanted


@pytest.mark.parametrize(
    "number",
    [
        "21-81-2471217-3", "51-80-0843001-0", "50 51 26-18 001-5", "27 51 508 1472-9",
        "21 80 5246 003-5", "33 80 7921 073-2",
    ],
)  # fmt: skip
def test_a_european_vehicle_number_is_valid_however_it_is_written(number: str) -> None:
    digits = number.replace(" ", "").replace("-", "")
    assert check_number("evn", number) == digits
    assert evn_check_digit(digits[:-1]) == int(digits[-1])


def test_a_station_code_is_weighed_a_second_time_when_ten_remains() -> None:
    assert esr_check_digit("12345") == 55 % 11
    assert esr_check_digit("50010") == 9
    assert esr_check_digit("10002") == 0
    assert esr_check_digit("00002") == 3


@given(SEVEN_DIGITS, st.integers(0, 7), st.integers(1, 9))
def test_any_single_changed_digit_is_caught(seven: str, place: int, step: int) -> None:
    number = seven + str(network_check_digit(seven))
    changed = str((int(number[place]) + step) % 10)
    with pytest.raises(BadOperation):
        check_number("network8", number[:place] + changed + number[place + 1 :])


@given(SEVEN_DIGITS, st.integers(0, 6))
def test_swapped_neighbours_are_caught_except_nought_and_nine(seven: str, place: int) -> None:
    number = seven + str(network_check_digit(seven))
    pair = number[place : place + 2]
    assume(pair[0] != pair[1])
    swapped = number[:place] + pair[::-1] + number[place + 2 :]
    if set(pair) == {"0", "9"}:
        assert check_number("network8", swapped) == swapped
    else:
        with pytest.raises(BadOperation):
            check_number("network8", swapped)


@pytest.mark.parametrize(
    ("scheme", "given_value", "normal"),
    [
        ("network8", "073 12317", "07312317"),
        ("network8", "0731?317", "0731?317"),
        ("series", "2TЭ10M–2345 A", "2ТЭ10М-2345А"),
        ("series", "чмэ3 1203", "ЧМЭ3-1203"),
        ("series", "ВЛ8-0721Б", "ВЛ8-0721Б"),
        ("series", "AC-1-0045", "АС-1-0045"),
        ("series", "КZ8А-0012", "KZ8A-0012"),
        ("series", "М62-10?4?", "М62-10?4?"),
        ("serial", "5 - 88121 - 2009", "5-88121-09"),
        ("serial", "5-88?21-09", "5-88?21-09"),
        ("serial", "30517", "30517"),
        ("other", "  борт 12 ", "борт 12"),
    ],
)
def test_a_number_has_one_normal_form(scheme: str, given_value: str, normal: str) -> None:
    assert check_number(scheme, given_value) == normal


@pytest.mark.parametrize(
    ("scheme", "value", "message"),
    [
        ("network8", "6155840", "6155840: 8 digits wanted"),
        ("network8", "٦١٥٥٨٤٠٩", "8 digits wanted"),
        ("evn", "21812471217", "12 digits wanted"),
        ("series", "2345", "like 2ТЭ10М-2345А"),
        ("series", "ТЭМ21203", "like 2ТЭ10М-2345А"),
        ("serial", "5--09", "like 5-88121-09"),
        ("serial", "5-88121-9", "like 5-88121-09"),
        ("other", "\x00", "printed characters"),
        ("other", " ", "printed characters"),
        ("vin", "1", "scheme vin is not known; known are network8, series"),
    ],
)
def test_a_number_of_the_wrong_shape_is_refused_with_a_reason(
    scheme: str, value: str, message: str
) -> None:
    with pytest.raises(BadOperation, match=message):
        check_number(scheme, value)


@given(SCHEMES, st.text("0123456789?ABКТЭ- ./–", max_size=14) | st.text(max_size=20))
def test_a_normal_form_is_its_own_normal_form(scheme: str, value: str) -> None:
    try:
        normal = check_number(scheme, value)
    except BadOperation:
        return
    assert check_number(scheme, normal) == normal


def test_a_coach_is_painted_with_its_road_and_type_apart() -> None:
    assert painted("07312317", "coach") == "073 12317"
    assert painted("66345679", "freight_wagon") == "66345679"
