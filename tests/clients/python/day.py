"""A day with Nextcloud's Python client: `python day.py URL USER PASSWORD FOLDER VIDEO ALBUM` prints JSON of it.

VIDEO is a large one, for chunks of the other kind.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from nc_py_api import AsyncNextcloud, NextcloudException  # type: ignore[import-not-found]

PIECE = 100_000
"""Bytes a chunk, of which most photos have several. Below 5 MiB it names them by their place, else by number."""

NUMBERED = 5 << 20


async def day(files: Any, photos: list[Path], video: Path, album: str) -> dict[str, object]:
    names = [photo.name for photo in photos]
    made = await files.mkdir(album)
    for number, photo in enumerate(photos):
        if number % 2:
            await files.upload_stream(f"{album}/{photo.name}", photo, chunk_size=PIECE)
        else:
            await files.upload(f"{album}/{photo.name}", photo.read_bytes())
    large = await files.upload_stream(f"{album}/{video.name}", video, chunk_size=NUMBERED)
    listed = await files.listdir(album)

    first, second, third = names[:3]
    moved = await files.move(f"{album}/{first}", f"{album}/renamed {first}")
    taken = 0
    try:
        await files.move(f"{album}/renamed {first}", f"{album}/{second}")
    except NextcloudException as refused:
        taken = refused.status_code
    copied = await files.copy(f"{album}/{third}", f"{album}/copy of {third}")
    found = [await files.by_id(node) for node in (large, moved, copied)]
    await files.delete(f"{album}/{third}")
    await files.setfav(f"{album}/{second}", True)
    favorites = [node.name for node in await files.list_by_criteria(["favorite"])]
    searched = [node.name for node in await files.find(["like", "mime", "video/%"], album)]
    whole = await files.download(f"{album}/{second}")
    return {
        "made": made.file_id,
        "asked": (await files.by_path(album)).file_id,
        "listed": {node.name: node.info.size for node in listed},
        "found": [node.name for node in found],
        "taken": taken,
        "favorites": favorites,
        "searched": searched,
        "whole": len(whole),
        "missing": sorted(set(names) - {node.name for node in await files.listdir(album)}),
    }


if __name__ == "__main__":
    url, user, password, folder, video, album = sys.argv[1:]
    client = AsyncNextcloud(nextcloud_url=url, nc_auth_user=user, nc_auth_pass=password)
    print(json.dumps(asyncio.run(day(client.files, sorted(Path(folder).iterdir()), Path(video), album))))
