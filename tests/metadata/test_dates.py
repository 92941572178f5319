"""The rule for dates: order, limits, offsets; and when a photo was taken, all told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumu_dav.metadata import choose_taken
from sumu_dav.metadata.dates import Choice, Claim, choose, parse, parse_offset
from sumu_dav.metadata.names import date_in_name
from sumu_dav.model import Facts

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def chosen(*claims: Claim) -> Choice:
    return choose(claims, now=NOW, zone=BERLIN)


def at(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021:07:10 20:39:25", datetime(2021, 7, 10, 20, 39, 25)),
        ("2021-07-10T20:39:25.123", datetime(2021, 7, 10, 20, 39, 25)),
        ("2021-07-10T20:39:25Z", datetime(2021, 7, 10, 20, 39, 25, tzinfo=UTC)),
        ("2021-07-10T20:39:25+0900", datetime(2021, 7, 10, 20, 39, 25, tzinfo=at(9))),
        ("2021-07-10T20:39-03:30", datetime(2021, 7, 10, 20, 39, tzinfo=at(-3.5))),
        ("2021-07-10", datetime(2021, 7, 10)),
        ("2021:13:10 20:39:25", None),
        ("2021:02:30 20:39:25", None),
        (":07:04 16:24:01", None),
        ("2021", None),
        ("٢٠٢١:07:10 20:39:25", None),
        ("2021:07:10 20:39:25 and more", None),
    ],
)
def test_a_date_is_read_in_the_forms_of_exif_and_iso_8601(text: str, moment: datetime | None) -> None:
    assert parse(text) == moment


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("Z", 0), ("+00:00", 0), ("-03:30", -210), ("+14:00", 840), ("+14:15", None), ("+09:60", None), ("", None)],
)
def test_an_offset_is_believed_up_to_14_hours(text: str, minutes: int | None) -> None:
    assert parse_offset(text) == (None if minutes is None else timedelta(minutes=minutes))


@given(st.text(max_size=80))
def test_no_text_upsets_the_parser(text: str) -> None:
    parse(text)
    parse_offset(text)
    chosen(Claim("exif:DateTimeOriginal", text, text), Claim("gps:utc", text))


def test_the_best_valid_source_wins_and_the_refused_ones_are_named() -> None:
    choice = chosen(
        Claim("gps:utc", "2020-01-01T10:00:00Z"),
        Claim("xmp:CreateDate", "2019-05-05T05:05:05"),
        Claim("exif:DateTimeOriginal", "0000:00:00 00:00:00"),
        Claim("exif:DateTimeDigitized", "2099:01:01 00:00:00"),
    )
    assert (choice.taken, choice.source) == (datetime(2019, 5, 5, 5, 5, 5), "xmp:CreateDate")
    assert choice.refused == (
        "exif:DateTimeOriginal '0000:00:00 00:00:00' is not a date",
        "exif:DateTimeDigitized '2099:01:01 00:00:00' is out of range",
    )


def test_a_blank_date_is_absent_not_wrong() -> None:
    assert chosen(Claim("exif:DateTimeOriginal", "    :  :     :  :  \0")) == Choice(None, None, ())


@pytest.mark.parametrize(
    ("source", "text", "valid"),
    [
        ("exif:DateTimeOriginal", "1900:01:01 00:00:00", True),
        ("exif:DateTimeOriginal", "1899:12:31 23:59:59", False),
        ("container:utc", "1995-01-01T00:00:00Z", True),
        ("container:utc", "1994-12-31T23:59:59Z", False),
        ("gps:utc", "1980-01-06T00:00:00Z", False),
        ("container:utc", "2026-11-23T12:00:00Z", True),
        ("container:utc", "2026-11-23T12:00:01Z", False),
        ("exif:DateTimeOriginal", "2026:11:23 13:00:00", True),
        ("exif:DateTimeOriginal", "2026:11:23 13:00:01", False),
    ],
)
def test_limits_are_those_of_the_source(source: str, text: str, valid: bool) -> None:
    assert (chosen(Claim(source, text)).taken is not None) == valid


def test_a_written_offset_stands_before_an_inferred_one() -> None:
    choice = chosen(
        Claim("exif:DateTimeOriginal", "2020:06:01 12:00:00", "+03:00"), Claim("gps:utc", "2020-06-01T10:00:00Z")
    )
    assert choice.taken == datetime(2020, 6, 1, 12, tzinfo=at(3))
    assert choice.source == "exif:DateTimeOriginal"


def test_an_impossible_offset_is_refused_and_the_date_kept() -> None:
    choice = chosen(Claim("exif:DateTimeOriginal", "2020:06:01 12:00:00", "+15:00"))
    assert choice.taken == datetime(2020, 6, 1, 12)
    assert choice.refused == ("exif:DateTimeOriginal has the offset '+15:00', which is none",)


@pytest.mark.parametrize(
    ("gps", "offset"),
    [
        ("2020-06-01T06:15:00Z", 5.75),
        ("2020-06-01T06:10:00Z", 5.75),
        ("2020-06-01T06:20:00Z", 5.75),
        ("2020-06-01T06:09:00Z", None),
        ("2020-05-31T22:00:00Z", 14),
        ("2020-05-31T21:45:00Z", None),
        ("2019-06-01T06:15:00Z", None),
    ],
)
def test_an_offset_is_inferred_from_gps_to_a_quarter_of_an_hour(gps: str, offset: float | None) -> None:
    choice = chosen(Claim("exif:DateTimeOriginal", "2020:06:01 12:00:00"), Claim("gps:utc", gps))
    tz = None if offset is None else at(offset)
    assert choice.taken == datetime(2020, 6, 1, 12, tzinfo=tz)
    assert choice.source == "exif:DateTimeOriginal" + ("" if offset is None else ", offset from GPS")


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("PXL_20231006_063029647.jpg", Claim("name:pixel-utc", "2023-10-06T06:30:29Z")),
        ("PXL_20231006_063029647.MP.jpg", Claim("name:pixel-utc", "2023-10-06T06:30:29Z")),
        ("IMG_20180725_163423.jpg", Claim("name:compact", "2018-07-25T16:34:23")),
        ("VID-20180725-163423~2.mp4", Claim("name:compact", "2018-07-25T16:34:23")),
        ("20180725_163423(0).jpg", Claim("name:compact", "2018-07-25T16:34:23")),
        ("Screenshot_20180725-163423_Chrome.png", Claim("name:compact", "2018-07-25T16:34:23")),
        ("Screenshot_2018-07-25-16-34-23-123_com.app.png", Claim("name:dashed", "2018-07-25T16:34:23")),
        ("Screenshot 2019-05-21 at 10.45.52.png", Claim("name:dashed", "2019-05-21T10:45:52")),
        ("Screenshot 2019-05-21 at 1.45.52\u202fPM.png", Claim("name:dashed", "2019-05-21T13:45:52")),
        ("Screenshot 2019-05-21 at 12.45.52 AM.png", Claim("name:dashed", "2019-05-21T00:45:52")),
        ("Bildschirmfoto 2019-05-21 um 10.45.52.png", Claim("name:dashed", "2019-05-21T10:45:52")),
        ("Capture d'écran 2019-05-21 a\u0300 10.45.52.png", Claim("name:dashed", "2019-05-21T10:45:52")),
        ("2018-04-12 19_24_49.gif", Claim("name:dashed", "2018-04-12T19:24:49")),
        ("signal-2019-05-21-104552.jpg", Claim("name:dashed", "2019-05-21T10:45:52")),
        ("IMG-20190521-WA0007.jpg", Claim("name:whatsapp", "2019-05-21")),
        ("IMG_0001.JPG", None),
        ("DSC20190521.jpg", None),
        ("1558428352123.jpg", None),
        ("5F9BCC2D-D1DF-46D8-8F70-C142B25D3DC3.heic", None),
    ],
)
def test_a_name_tells_a_date_in_the_forms_of_phones_and_messengers(name: str, claim: Claim | None) -> None:
    assert date_in_name(name) == claim


def test_the_file_stands_before_its_name_the_name_before_the_client_the_client_before_the_upload() -> None:
    facts = Facts(taken=datetime(2020, 6, 1, 12), taken_from="exif:DateTimeOriginal")
    client = datetime(2018, 3, 3, 3, 3, 3, 999_999, tzinfo=UTC)

    def source(facts: Facts, name: str, client: datetime | None) -> str:
        return choose_taken(facts, name, client, now=NOW, zone=BERLIN).source

    assert source(facts, "IMG_20190101_010101.jpg", client) == "exif:DateTimeOriginal, offset assumed"
    assert source(Facts(), "IMG_20190101_010101.jpg", client) == "name:compact, offset assumed"
    assert source(Facts(), "IMG_1.jpg", client) == "client:mtime"
    assert source(Facts(), "IMG_1.jpg", None) == "upload"


def test_a_date_without_offset_is_taken_in_the_servers_zone_and_says_so() -> None:
    facts = Facts(taken=datetime(2020, 6, 1, 12), taken_from="exif:DateTimeOriginal")
    taken = choose_taken(facts, "a.jpg", None, now=NOW, zone=BERLIN)
    assert taken.text == "2020-06-01T12:00:00"
    assert taken.source == "exif:DateTimeOriginal, offset assumed"
    assert taken.local == datetime(2020, 6, 1, 12)
    assert taken.timestamp == datetime(2020, 6, 1, 10, tzinfo=UTC).timestamp()


def test_a_written_offset_decides_the_wall_clock_whatever_the_servers_zone() -> None:
    facts = Facts(taken=datetime(2020, 6, 1, 0, 30, tzinfo=at(9)), taken_from="exif:DateTimeOriginal")
    taken = choose_taken(facts, "a.jpg", None, now=NOW, zone=BERLIN)
    assert (taken.text, taken.local) == ("2020-06-01T00:30:00+09:00", datetime(2020, 6, 1, 0, 30))


def test_utc_alone_stays_utc_and_is_filed_by_the_servers_zone() -> None:
    facts = Facts(taken=datetime(2020, 5, 31, 23, tzinfo=UTC), taken_from="container:utc")
    taken = choose_taken(facts, "a.mp4", None, now=NOW, zone=BERLIN)
    assert (taken.text, taken.source) == ("2020-05-31T23:00:00+00:00", "container:utc")
    assert taken.local == datetime(2020, 6, 1, 1)


def test_a_clients_time_before_1995_is_refused_with_its_reason() -> None:
    taken = choose_taken(Facts(), "IMG_19700101_000000.jpg", datetime(1970, 1, 1, tzinfo=UTC), now=NOW, zone=BERLIN)
    assert taken.source == "upload"
    assert taken.refused == (
        "name:compact '1970-01-01T00:00:00' is out of range",
        "client:mtime '1970-01-01T00:00:00+00:00' is out of range",
    )


@given(
    st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    st.text(max_size=60),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu"]),
)
def test_whatever_the_client_says_there_is_a_moment(client: datetime | None, name: str, zone: str) -> None:
    taken = choose_taken(Facts(), name, client, now=NOW, zone=ZoneInfo(zone))
    assert datetime.fromisoformat(taken.text)
    assert 1994 <= taken.local.year <= 2026
