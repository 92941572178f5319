"""The date that a file's name tells, for pictures that carry none inside.

The forms are those that phones and messengers write; nothing specifies them. It must not know what is in the file.
"""

from __future__ import annotations

import re
import unicodedata

from sumu_dav.metadata.dates import Claim

# The Pixel camera names in UTC, with milliseconds.
_PIXEL = re.compile(r"PXL_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)", re.ASCII)
# IMG_20180725_163423, VID-20180725-163423, 20180725_163423, Screenshot_20180725-163423; milliseconds may follow.
_COMPACT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])[-_T ]?([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?!\d{4})",
    re.ASCII,
)
# "2018-04-12 19_24_49", "Screenshot 2019-05-21 at 10.45.52", "Screenshot_2019-05-21-10-45-52-123_com.app",
# "signal-2019-05-21-104552", "WhatsApp Image 2019-05-21 at 10.45.52 PM".
_DASHED = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-._](\d\d)[-._](\d\d)(?:[-_ T]| at | um | à )"
    r"(\d{1,2})[-._: ]?(\d\d)[-._: ]?(\d\d)(?!\d{4})(?:\s?([AP])\.?M\b)?",
    re.ASCII | re.IGNORECASE,
)
_WHATSAPP = re.compile(r"(?:IMG|VID|AUD|PTT|STK)-((?:19|20)\d\d)(\d\d)(\d\d)-WA\d", re.ASCII)


def date_in_name(name: str) -> Claim | None:
    """Return the date that a file's name tells (a day alone is its midnight), None where it tells none."""
    # macOS puts a narrow no-break space before AM and PM, and decomposes accents.
    name = unicodedata.normalize("NFC", name).replace("\u202f", " ").replace("\u00a0", " ")
    if match := _PIXEL.search(name):
        return Claim("name:pixel-utc", "{}-{}-{}T{}:{}:{}Z".format(*match.groups()))
    if match := _WHATSAPP.search(name):
        return Claim("name:whatsapp", "{}-{}-{}".format(*match.groups()))
    if match := _COMPACT.search(name):
        return Claim("name:compact", "{}-{}-{}T{}:{}:{}".format(*match.groups()))
    if match := _DASHED.search(name):
        year, month, day, hour, minute, second, half = match.groups()
        hours = int(hour) if half is None else int(hour) % 12 + (12 if half in "Pp" else 0)
        return Claim("name:dashed", f"{year}-{month}-{day}T{hours:02}:{minute}:{second}")
    return None
