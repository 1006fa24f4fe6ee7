"""Press fits: the raw curve over its band, both verdicts side by side."""

import pytest

from railtrace.app import App


@pytest.mark.parametrize("language", ["ru", "tg", "en"])
def test_the_pages_answer_in_every_language(stand: App, reader_as, language) -> None:
    foreman = reader_as("foreman", language)
    assert foreman.get("/diagnostics/pressings/").status_code == 200
    assert foreman.get("/diagnostics/pressings/press-one").status_code == 200


def test_scenario_21_shows_the_curve_below_its_band_and_both_verdicts(stand: App, viewer) -> None:
    page = viewer.get("/diagnostics/pressings/press-one").content.decode()
    assert "The press and we do not say the same" in page
    assert "below the band" in page
    assert 'class="band"' in page
    assert "Proof loads are not offered" in page
    # 392 to 588 kN for each 100 mm of a seat of 185 mm.
    assert "725" in page
    assert "1088" in page
    assert "they differ" in viewer.get("/diagnostics/pressings/").content.decode()


def test_what_is_no_pressing_is_not_found(stand: App, viewer) -> None:
    assert viewer.get("/diagnostics/pressings/m-0").status_code == 404
