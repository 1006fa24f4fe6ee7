from pathlib import Path

import numpy as np
import pytest

from railtrace.errors import BadData
from railtrace.interchange.life_files import read_histories, read_lives


def written(folder: Path, text: str) -> Path:
    path = folder / "lives.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_lives_is_read_with_its_groups_and_unit_of_measure(tmp_path):
    found = read_lives(written(tmp_path, "Time_km,event,entry_km,count,group,note\n"
                               "100,1,0,2,B,x\n250,0,20,1,A,y\n300,failed,,1,B,\n"))  # fmt: skip
    assert found.groups == ("B", "A")
    assert found.measure == "km"
    assert found.ignored == ("note",)
    assert found.lives.lower.tolist() == [100, 300, 250]
    assert found.lives.failed.tolist() == [True, True, False]
    assert found.lives.entry.tolist() == [0, 0, 20]
    assert found.lives.count.tolist() == [2, 1, 1]


def test_without_event_or_mode_every_row_is_a_failure(tmp_path):
    assert read_lives(written(tmp_path, "time\n3\n5\n")).lives.events.tolist() == [2]


def test_intervals_are_read_with_blank_ends(tmp_path):
    lives = read_lives(written(tmp_path, "lower;upper\n;10\n10;20\n20;\n")).lives
    assert lives.lower.tolist() == [0, 10, 20]
    assert lives.upper.tolist() == [10, 20, np.inf]


def test_modes_go_with_their_rows_when_groups_are_sorted(tmp_path):
    found = read_lives(written(tmp_path, "time,mode,group\n1,door,A\n2,brake,B\n3,censored,A\n"))
    assert found.modes.tolist() == ["door", "", "brake"]
    assert found.lives.failed.tolist() == [True, False, True]


def test_a_unit_of_measure_may_stand_in_the_cells(tmp_path):
    assert read_lives(written(tmp_path, "time\n300 h\n1.5e2 h\n")).measure == "h"


def test_a_decimal_comma_is_read_where_semicolons_part_the_cells(tmp_path):
    found = read_lives(written(tmp_path, "time;unit;group\n100,5;1,2;A\n2,25e2 km;3;A\n"))
    assert found.lives.lower.tolist() == [100.5, 225]
    assert found.measure == "km"


def test_what_the_columns_are_is_said_where_none_holds_the_ages(tmp_path):
    with pytest.raises(BadData, match="only id, hours: call the one with the ages time"):
        read_lives(written(tmp_path, "id,hours\na,1\n"))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('time,event\n5,1\n"100,5",1\n', 3, "time '100,5' is not a number"),
        ("time,event\n5,1\n1 200 h,1\n", 3, "time '1 200 h' is not a number"),
        ("time,event\n5,1\n-3,1\n", 3, "time -3 is negative"),
        ("time,event,entry\n5,1,0\n\n9,0,10\n", 4, "entry 10 is not before the exit 9"),
        ("time,event\n5,1\nten,0\n", 3, "time 'ten' is not a number"),
        ("time,event\n5,1\n,0\n", 3, "time is missing"),
        ("time,event\n5,1\n6,maybe\n", 3, "neither 1 (failed) nor 0 (running)"),
        ("time,event,count\n5,1,1\n6,1,1.5\n", 3, "count '1.5' is not a whole number"),
        ("time,event,group\n5,1,A\n6,1,\n", 3, "the group is empty"),
        ("time_km,event\n5,1\n6 h,1\n", 3, "units mixed: time is in h, others in km"),
        ("lower,upper\n5,6\n6,5\n", 3, "interval 6 to 5 is reversed"),
        ("lower,upper,event\n5,6,1\n6,,1\n", 3, "a failure without upper"),
        ("time,event,mode\n5,1,door\n6,0,door\n", 3, "mode 'door' without an event"),
        ("time,event\n5,1\n6,1,7\n", 3, "3 cells under 2 headings"),
        ("time,event\n5,1\nnan,1\n", 3, "missing or not a number"),
    ],
)
def test_a_faulty_line_is_refused_by_its_number_and_reason(tmp_path, text, line, reason):
    with pytest.raises(BadData) as refused:
        read_lives(written(tmp_path, text))
    assert [place for place, _ in refused.value.faults] == [line]
    assert f"line {line}" in str(refused.value)
    assert reason in str(refused.value)


def test_every_faulty_line_is_told_at_once(tmp_path):
    with pytest.raises(BadData) as refused:
        read_lives(written(tmp_path, "time,event\n-5,1\n6,maybe\n7,1\n,1\n"))
    assert [line for line, _ in refused.value.faults] == [2, 3, 5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time_km,event\n5,0\n6,0\n", "every row is censored.*above 3.672 km with 95 %"),
        ("time_km,entry_h\n5,1\n", "units mixed: time in km, entry in h"),
        ("age,event\n5,1\n", "no column time"),
        ("time,lower,upper\n5,1,2\n", "not both"),
        ("time,time_km\n5,1\n", "time is there twice"),
        ("time,event\n", "has no rows"),
    ],
)
def test_a_file_that_cannot_be_lives_is_refused(tmp_path, text, reason):
    with pytest.raises(BadData, match=reason):
        read_lives(written(tmp_path, text))


def test_what_is_not_text_is_refused(tmp_path):
    path = tmp_path / "lives.csv"
    path.write_bytes(b"time\n\xff\xfe\n")
    with pytest.raises(BadData, match="not UTF-8"):
        read_lives(path)


def test_histories_end_at_the_row_without_failure_or_at_the_last_failure(tmp_path):
    found = read_histories(written(tmp_path, "unit,time_km,event,group\n"
                                   "L1,50,1,A\nL1,80,1,A\nL1,100,0,A\nL2,70,1,B\n"))  # fmt: skip
    data = found.histories
    assert found.units == ("L1", "L2")
    assert found.groups == ("A", "B")
    assert data.stop.tolist() == [100, 70]
    assert data.ended_by_failure.tolist() == [False, True]
    assert data.events.tolist() == [2, 1]


def test_counts_and_entries_of_histories(tmp_path):
    data = read_histories(written(tmp_path, "unit,time,event,entry,count\n"
                                  "1,50,1,10,3\n1,90,0,10,1\n")).histories  # fmt: skip
    assert data.start.tolist() == [10]
    assert data.age.tolist() == [50, 50, 50]


def test_only_the_chosen_mode_counts_and_the_others_do_not_end_the_watch(tmp_path):
    path = written(tmp_path, "unit,time,mode\n1,50,door\n1,60,brake\n1,90,\n")
    data = read_histories(path, "door").histories
    assert data.age.tolist() == [50]
    assert data.stop.tolist() == [90]
    with pytest.raises(BadData, match="no failures of the mode wing"):
        read_histories(path, "wing")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("unit,time,event\n1,50,1\n1,60,0\n1,70,1\n", 4, "70 is after the watch ended at 60"),
        ("unit,time,event\n1,50,1\n1,60,0\n1,60,0\n", 4, "watch ended twice"),
        ("unit,time,event,group\n1,50,1,A\n1,60,0,B\n", 3, "in another group here"),
        ("unit,time,event,entry\n1,50,1,55\n1,60,0,55\n", 2, "entry 55 is not before the exit 50"),
        ("unit,time,event\n1,50,1\n1,-6,1\n", 3, "time -6 is negative"),
    ],
)
def test_a_faulty_line_of_a_history_is_refused(tmp_path, text, line, reason):
    with pytest.raises(BadData) as refused:
        read_histories(written(tmp_path, text))
    assert line in [place for place, _ in refused.value.faults]
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,event\n5,1\n", "no column unit"),
        ("unit,lower,upper\n1,2,3\n", "known ages"),
        ("unit,time,event\n1,5,0\n", "there are no failures"),
    ],
)
def test_a_file_that_cannot_be_histories_is_refused(tmp_path, text, reason):
    with pytest.raises(BadData, match=reason):
        read_histories(written(tmp_path, text))
