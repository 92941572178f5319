"""The rule for places: EXIF rationals, ISO 6709 text, fixed-point numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumu_dav.metadata.places import NoPlaceError, Place, degrees, from_fixed_point, from_iso_6709, place


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(90.1, 0.0), (-91.0, 0.0), (1.0, 180.5), (math.nan, 1.0), (1.0, math.inf), (0.0, 0.0)]
)
def test_what_is_not_on_earth_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(NoPlaceError):
        place(latitude, longitude)


@pytest.mark.parametrize(("latitude", "longitude"), [(0.0, 9.45), (51.48, 0.0), (90.0, 180.0), (-90.0, -180.0)])
def test_the_equator_the_meridian_and_the_corners_are_places(latitude: float, longitude: float) -> None:
    assert place(latitude, longitude) == Place(latitude, longitude)


def test_rationals_and_their_reference_give_signed_degrees() -> None:
    parts = ((33, 1), (51, 1), (2448, 100))
    assert degrees(parts, "S ", "N", "S") == pytest.approx(-33.8568)
    assert degrees(((151, 1), (12918, 1000)), "e", "E", "W") == pytest.approx(151.2153)
    assert degrees((338568, 10000), "N", "N", "S") == pytest.approx(33.8568)


@pytest.mark.parametrize(
    ("parts", "reference"),
    [
        (((33, 1), (51, 1), (24, 1)), ""),
        (((33, 1), (51, 1), (24, 1)), "E"),
        (((33, 0), (51, 1), (24, 1)), "N"),
        (((33, 1), (51, 0), (24, 1)), "N"),
        (((-33, 1), (51, 1), (24, 1)), "N"),
        ((), "N"),
        (None, "N"),
        (b"33", "N"),
    ],
)
def test_coordinates_without_a_clear_sign_or_value_are_refused(parts: object, reference: str) -> None:
    with pytest.raises(NoPlaceError):
        degrees(parts, reference, "N", "S")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+51.5335-000.1261/", Place(51.5335, -0.1261)),
        ("-33.8568+151.2153+005.000/", Place(-33.8568, 151.2153, 5.0)),
        ("+35.7143+139.7963-012.5CRSWGS_84/", Place(35.7143, 139.7963, -12.5)),
        ("-3351.408+15112.918/", Place(-33.8568, 151.2153)),
        ("-335124.48+1511255.08/", Place(-33.8568, 151.2153)),
    ],
)
def test_iso_6709_is_read_as_degrees_minutes_and_seconds(text: str, expected: Place) -> None:
    found = from_iso_6709(text)
    assert (found.latitude, found.longitude) == pytest.approx((expected.latitude, expected.longitude), abs=1e-6)
    assert found.altitude == expected.altitude


@pytest.mark.parametrize(
    "text", ["", "51.5-0.1", "+100.0+010.0/", "+00.0000+000.0000/", "-3361.0+15112.9/", "+123.4+1.0/"]
)
def test_other_text_is_no_place(text: str) -> None:
    with pytest.raises(NoPlaceError):
        from_iso_6709(text)


@given(st.text(alphabet="+-.0123456789/CRS", max_size=80))
def test_no_text_gives_more_than_a_place_or_a_reason(text: str) -> None:
    try:
        found = from_iso_6709(text)
    except NoPlaceError:
        return
    assert abs(found.latitude) <= 90
    assert abs(found.longitude) <= 180


def test_fixed_point_numbers_are_signed() -> None:
    south, east, up = ((round(value * 65536)).to_bytes(4, "big", signed=True) for value in (-33.8568, 151.2153, 10.5))
    found = from_fixed_point(south, east, up)
    assert (found.latitude, found.longitude, found.altitude) == pytest.approx((-33.8568, 151.2153, 10.5), abs=1e-4)
