"""What every refusal owes its reader: the right status, and a DAV:error body that says in words what was wrong."""

from __future__ import annotations

from xml.etree import ElementTree

import requests

from support.dav import DAV

MESSAGE = "{http://sabredav.org/ns}message"
"""Where ownCloud's and Nextcloud's apps look for words to show."""


def refused(answer: requests.Response, *statuses: int) -> str:
    """Assert that a request was refused with one of the statuses, in words; returns the words."""
    assert answer.status_code in statuses, f"{answer.status_code} for {answer.request.method}: {answer.text}"
    error = ElementTree.fromstring(answer.content)
    assert error.tag == f"{DAV}error", answer.text
    words = error.findtext(MESSAGE) or ""
    assert " " in words, answer.text
    return words
