"""What the catalogue costs as it grows, beside TinyDB's own storages on the same disk in the same run.

    python benchmarks/catalog.py [--records 0 1000 …] [--json]

For each number of records, in a process of its own: opening, memory, durable changes by one thread and by fifty, the
longest that a change waited while the file was compacted; and an insert by stock TinyDB where that takes no minutes.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tinydb import TinyDB
from tinydb.middlewares import CachingMiddleware
from tinydb.storages import JSONStorage

from sumu_dav.catalog import PHOTO_CODEC, EmbeddedCatalog
from sumu_dav.catalog.disk import Disk
from sumu_dav.catalog.layout import encode_line
from sumu_dav.catalog.log import write_file
from sumu_dav.model import Photo

SIZES = (0, 1_000, 10_000, 100_000, 1_000_000)

STOCK_UP_TO = 100_000
"""Records beyond which one stock insert takes seconds and a gigabyte."""

CHANGES = 400
THREADS = 50


def photo(doc_id: int) -> Photo:
    """A record as an iPhone's picture makes it, some 760 bytes in the file."""
    luck = random.Random(doc_id)
    month = f"{luck.randrange(10, 27)}-{luck.randrange(1, 13):02}"
    return Photo(
        doc_id,
        f"{luck.getrandbits(128):032x}",
        "alice",
        month,
        f"IMG_{doc_id}.HEIC",
        luck.randrange(10**7),
        f"{luck.getrandbits(256):064x}",
        f"20{month}-04T10:11:12+02:00",
        f"20{month}-04T20:00:00+00:00",
        latitude=luck.uniform(-90, 90),
        longitude=luck.uniform(-180, 180),
        altitude=12.5,
        taken=f"20{month}-04T10:11:12+02:00",
        taken_from="exif",
        media_type="image/heic",
        width=4032,
        height=3024,
        orientation=6,
        make="Apple",
        model="iPhone 14 Pro",
        loose_names=(f"IMG_{doc_id}.HEIC",),
        metadata_version=1,
    )


def resident() -> int:
    """Bytes of memory that the process holds."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def each_ms(calls: Iterator[Callable[[], object]]) -> float:
    """The median of what each call took, in milliseconds."""
    took = []
    for call in calls:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000


def measure(records: int, folder: str) -> dict[str, float | None]:
    """All figures for one number of records."""
    path = os.path.join(folder, "catalog.json")
    lines = ((key, encode_line(key, PHOTO_CODEC.encode(photo(key)))) for key in range(1, records + 1))
    os.close(write_file(Disk(), path, "media", lines)[0])
    del lines
    stock: dict[str, float | None] = {"json_storage_insert_ms": None, "caching_insert_ms": None}
    if records <= STOCK_UP_TO:
        stock["json_storage_insert_ms"] = stock_ms(path, JSONStorage)
        stock["caching_insert_ms"] = stock_ms(path, CachingMiddleware(JSONStorage))  # type: ignore[no-untyped-call]
    gc.collect()
    before, start = resident(), time.perf_counter()
    catalog = EmbeddedCatalog.open(path)
    figures: dict[str, float | None] = {
        "open_s": time.perf_counter() - start,
        "bytes_a_record": (resident() - before) / records if records else None,
        "disk_sync_ms": sync_ms(folder),
    }
    new = [photo(catalog.new_doc_id()) for _ in range(CHANGES)]
    figures["insert_ms"] = each_ms((lambda each=each: catalog.change(put=[each])) for each in new)  # type: ignore[misc]
    changed = [replace(each, is_favorite=True, favorite_name=each.name) for each in new]
    figures["change_ms"] = each_ms((lambda each=each: catalog.change(put=[each])) for each in changed)  # type: ignore[misc]
    figures["delete_ms"] = each_ms((lambda each=each: catalog.change(drop=[each.doc_id])) for each in new)  # type: ignore[misc]
    figures["shared_insert_ms"] = shared_ms(catalog)
    figures["get_us"] = each_ms((lambda: catalog.with_hash("alice", new[0].sha256)) for _ in range(10_000)) * 1000
    figures["compaction_s"], figures["longest_wait_ms"] = compaction(catalog)
    catalog.close()
    return figures | stock


def sync_ms(folder: str) -> float:
    """What the disk itself takes to append 760 bytes durably: the floor of every durable change."""
    with tempfile.TemporaryFile(dir=folder) as file:
        fd = file.fileno()

        def append() -> None:
            os.write(fd, b"x" * 760)
            os.fdatasync(fd)

        return each_ms(append for _ in range(CHANGES))


def shared_ms(catalog: EmbeddedCatalog) -> float:
    """Durable inserts by many threads at once: wall time over their number."""

    def insert() -> None:
        for _ in range(CHANGES // 20):
            catalog.change(put=[photo(catalog.new_doc_id())])

    threads = [threading.Thread(target=insert) for _ in range(THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) * 1000 / (THREADS * (CHANGES // 20))


def compaction(catalog: EmbeddedCatalog) -> tuple[float, float]:
    """How long a compaction takes (s), and the longest that an insert beside it took (ms)."""
    file = catalog._file
    done = threading.Event()
    longest = 0.0

    def go_on() -> None:
        nonlocal longest
        while not done.is_set():
            each = photo(catalog.new_doc_id())
            start = time.perf_counter()
            catalog.change(put=[each])
            longest = max(longest, time.perf_counter() - start)

    other = threading.Thread(target=go_on)
    other.start()
    start = time.perf_counter()
    file.compact()
    took = time.perf_counter() - start
    done.set()
    other.join()
    return took, longest * 1000


def stock_ms(path: str, storage: Any) -> float:
    """One insert by TinyDB with a storage of its own, on a copy of the file."""
    copy = shutil.copy(path, path + ".stock")
    with TinyDB(copy, storage=storage, encoding="utf-8", ensure_ascii=False) as database:
        photos = database.table("media")
        fields = PHOTO_CODEC.encode(photo(5))
        return each_ms((lambda: photos.insert(fields)) for _ in range(3))


def in_own_process(records: int, folder: str, answers: Any) -> None:
    """So that memory is measured from the start."""
    answers.put(measure(records, folder))


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", help="a folder on the disk to measure (default: the system's for temporary files)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    table: dict[int, dict[str, float | None]] = {}
    for records in options.records:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            answers = context.Queue()
            process = context.Process(target=in_own_process, args=(records, folder, answers))
            process.start()
            table[records] = answers.get()
            process.join()
        print(f"{records} records measured", file=sys.stderr)
    if options.json:
        print(json.dumps(table, indent=1))
        return
    print(f"{'':24}" + "".join(f"{records:>12,}" for records in table))
    for name in next(iter(table.values())):
        values = [figures[name] for figures in table.values()]
        print(f"{name:24}" + "".join(f"{'-' if value is None else format(value, '.3f'):>12}" for value in values))


if __name__ == "__main__":
    main()
