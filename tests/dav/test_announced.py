"""What a client says of its bytes beforehand is understood, or refused in words; never dropped in silence."""

import base64
import hashlib

import pytest

from sumu_dav.dav.announced import Announced, Checksum, announced_assembly, announced_chunk, announced_file
from sumu_dav.dav.faults import BadRequest

BODY = b"a photo"
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()
SHA256_BASE64 = base64.b64encode(bytes.fromhex(SHA256)).decode()
MD5_BASE64 = base64.b64encode(bytes.fromhex(MD5)).decode()


def checksums(environ: dict[str, str]) -> set[tuple[str, str]]:
    return {(each.algorithm, each.value) for each in announced_file(environ).checksums}


def test_nothing_said_is_nothing_announced() -> None:
    assert announced_file({}) == Announced()
    assert announced_file({"CONTENT_LENGTH": ""}) == Announced()


@pytest.mark.parametrize("key", ["CONTENT_LENGTH", "HTTP_OC_TOTAL_LENGTH", "HTTP_X_EXPECTED_ENTITY_LENGTH"])
def test_each_header_may_tell_the_length(key: str) -> None:
    assert announced_file({key: "7"}).length == 7
    assert announced_file({key: "0"}).length == 0


def test_lengths_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(BadRequest, match="OC-Total-Length says 8 bytes, and another header 7"):
        announced_file({"CONTENT_LENGTH": "7", "HTTP_OC_TOTAL_LENGTH": "8"})
    assert announced_file({"CONTENT_LENGTH": "7", "HTTP_X_EXPECTED_ENTITY_LENGTH": "7"}).length == 7


@pytest.mark.parametrize("sent", ["-1", "7.0", "seven", "٧", "9" * 5_000, "1_0"])
def test_a_length_that_is_no_number_is_refused(sent: str) -> None:
    with pytest.raises(BadRequest):
        announced_file({"HTTP_OC_TOTAL_LENGTH": sent})


def test_owncloud_checksums() -> None:
    environ = {"HTTP_OC_CHECKSUM": f"SHA256:{SHA256.upper()} md5:{MD5}  FUTURE:xyz ADLER32:5f20273"}
    assert checksums(environ) == {("sha256", SHA256), ("md5", MD5), ("adler32", "05f20273")}


def test_content_md5_and_digest_fields() -> None:
    assert checksums({"HTTP_CONTENT_MD5": MD5_BASE64}) == {("md5", MD5)}
    assert checksums({"HTTP_REPR_DIGEST": f"sha-256=:{SHA256_BASE64}:"}) == {("sha256", SHA256)}
    both = {"HTTP_CONTENT_DIGEST": f"id-future=:AAAA:, md5=:{MD5_BASE64}:;q=1 , sha-256=:{SHA256_BASE64}:"}
    assert checksums(both) == {("md5", MD5), ("sha256", SHA256)}


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_OC_CHECKSUM": "SHA1:abc"},
        {"HTTP_OC_CHECKSUM": "MD5:" + "g" * 32},
        {"HTTP_OC_CHECKSUM": "MD5:" + "٣" * 32},
        {"HTTP_CONTENT_MD5": "!"},
        {"HTTP_CONTENT_MD5": MD5},
        {"HTTP_CONTENT_MD5": "AAAA"},
        {"HTTP_REPR_DIGEST": f"sha-256={SHA256_BASE64}"},
        {"HTTP_REPR_DIGEST": "sha-256=:AAAA:"},
        {"HTTP_REPR_DIGEST": "sha-256=:A:"},
        {"HTTP_CONTENT_DIGEST": "sha-256"},
        {"HTTP_CONTENT_DIGEST": f"sha-256=:{SHA256_BASE64}:,"},
    ],
)
def test_a_check_that_cannot_be_made_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        announced_file(environ)


def test_a_chunk_is_measured_by_its_own_length() -> None:
    environ = {"CONTENT_LENGTH": "5", "HTTP_OC_TOTAL_LENGTH": "700", "HTTP_OC_CHECKSUM": f"MD5:{MD5}"}
    assert announced_chunk(environ) == Announced(5)
    assert announced_chunk(environ | {"HTTP_CONTENT_MD5": MD5_BASE64}).checksums == (Checksum("md5", MD5),)


def test_an_assembly_is_measured_by_the_whole() -> None:
    environ = {"CONTENT_LENGTH": "0", "HTTP_OC_TOTAL_LENGTH": "700", "HTTP_OC_CHECKSUM": f"MD5:{MD5}"}
    assert announced_assembly(environ) == Announced(700, (Checksum("md5", MD5),))
