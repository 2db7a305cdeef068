"""A photo as it may be kept: found to be one from its bytes, decoded, and written anew without what else it carried.

What comes out holds pixels only: no place, device, thumbnail, comment, profile or text, and nothing behind its end.
"""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from service.errors import BadInput, NotReady, Refusal

LARGEST_BYTES = 8 * 2**20
LONGEST_PX = 2_048
MOST_PX = {"JPEG": 50_000_000, "PNG": 16_000_000, "WEBP": 16_000_000}
"""Width times height: what phones' cameras take, and what is a long screenshot. More is refused before it is decoded.

A JPEG is decoded at the size wanted; the others whole, at up to 16 bytes a pixel.
"""
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SAVING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 85},
    "PNG": {"compress_level": 6},
    "WEBP": {"quality": 85, "method": 4},
}
CAMERAS_OWN = "MPO"
"""A JPEG with further pictures behind it, as phones write: the first is the photo."""
AT_ONCE, MOST_WAITING = 2, 16
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class PhotoTooLarge(Refusal):
    """照片超过 {most_mb} MB，请缩小后再上传。"""

    status = 413
    code = "photo_too_large"

    def __init__(self) -> None:
        super().__init__(most_mb=LARGEST_BYTES // 2**20)


class NotAPhoto(BadInput):
    """这不是 JPEG、PNG 或 WebP 照片。"""

    code = "not_a_photo"


class PhotoBroken(BadInput):
    """照片不完整或已损坏，打不开。"""

    code = "photo_broken"


class PhotoAnimated(BadInput):
    """动图不能作为凭证，请上传一张静态照片。"""

    code = "photo_animated"


class TooManyPixels(BadInput):
    """照片的像素太多，请缩小后再上传。"""

    code = "photo_too_many_pixels"


class Photo(NamedTuple):
    """A photo to keep, under the SHA-256 of its bytes."""

    digest: bytes
    media_type: str
    content: bytes


class Cleaner:
    """Threads that clean photos: a few at once, and not endlessly many waiting for them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "photos")
        self._waiting = 0

    async def clean(self, content: bytes) -> Photo:
        """As `cleaned`, in a thread. Raises NotReady besides, when too many wait."""
        if self._waiting >= MOST_WAITING:
            raise NotReady
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, cleaned, content)
        finally:
            self._waiting -= 1


clean = Cleaner().clean


def cleaned(content: bytes) -> Photo:
    """The photo, upright and at most `LONGEST_PX` long: the same bytes for the same bytes.

    Raises PhotoTooLarge, NotAPhoto, TooManyPixels, PhotoAnimated and PhotoBroken.
    """
    if len(content) > LARGEST_BYTES:
        raise PhotoTooLarge
    image, kind = opened(content)
    try:
        kept = written(upright(image), kind)
    except Exception as broken:  # whatever a decoder makes of bytes that are not what they seem
        raise PhotoBroken from broken
    return Photo(hashlib.sha256(kept).digest(), MEDIA_TYPES[kind], kept)


def opened(content: bytes) -> tuple[Image.Image, str]:
    """The picture, of which only the header is read, and its format. Raises as `cleaned`."""
    try:
        image = Image.open(BytesIO(content), formats=tuple(MEDIA_TYPES))
        kind = "JPEG" if image.format == CAMERAS_OWN else str(image.format)
        still = kind == "JPEG" or not getattr(image, "is_animated", False)
    except UnidentifiedImageError:
        raise NotAPhoto from None
    except BOMBS:
        raise TooManyPixels from None
    except Exception as broken:  # as above
        raise PhotoBroken from broken
    if image.width * image.height > MOST_PX[kind]:
        raise TooManyPixels
    if not still:
        raise PhotoAnimated
    return image, kind


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is looked at: small, turned, on white, in three colours. A JPEG is decoded small at once."""
    if image.mode not in {"L", "RGB"}:
        image.load()
        image = image if image.mode in {"RGBA", "CMYK", "YCbCr"} else image.convert("RGBA")
    image.thumbnail((LONGEST_PX, LONGEST_PX))
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "RGBA":
        ground = Image.new("RGB", turned.size, "white")
        ground.paste(turned, mask=turned.getchannel("A"))
        return ground
    return turned.convert("RGB")


def written(image: Image.Image, kind: str) -> bytes:
    """The picture's pixels in that format."""
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    out = BytesIO()
    bare.save(out, kind, **SAVING[kind])
    return out.getvalue()
