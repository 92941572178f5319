"""What a media file says of itself: date, place, camera, size, live photo; read within bounds, without decoding.

It knows nothing of WebDAV, of the two trees or of the catalogue, and never raises because of a file's content.
"""

from sumu_dav.metadata.pairing import looks_like_live_pair
from sumu_dav.metadata.reader import READER_VERSION, read
from sumu_dav.metadata.taken import Taken, choose_taken

__all__ = ["READER_VERSION", "Taken", "choose_taken", "looks_like_live_pair", "read"]
