"""Whether an image is for the board that shall get it, before anything is written."""

from __future__ import annotations

from fieldbeat.host_tools import image_info
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.image_info import ImageInfo

from ..benches.blocked import Blocked


def inspect_for(image: bytes, manifest: str, name: str) -> ImageInfo:
    """What the image says of itself.

    Raises:
        Blocked: it is damaged, or for another board than `manifest`.
    """
    try:
        info = image_info.inspect(image, f"the image for {name}")
    except FieldbeatError as error:
        raise Blocked(error.message, error.next_step) from None
    if info.board_id != manifest:
        reason = f"the image is for {info.board_id}, but {name} is a {manifest}"
        raise Blocked(reason, f"build an image for {manifest}")
    return info
