"""Images and sounds from a directory, opened one at a time and never trusted."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.arrays import one_line, sha256_of_file
from ..errors import UserError
from ..natural_order import natural_order
from ..optional import require

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
# A few kilobytes of FLAC can hold days of silence.
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class ImageFile:
    """An image on disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def load(self) -> Image:
        """Return the image in RGB, upright; transparency is left out.

        Raises UserError for damage, more pixels than Pillow admits, and 32-bit numbers.
        """
        image_module = require("PIL.Image", "images", "models")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", image_module.DecompressionBombWarning)
                with image_module.open(self.path) as image:
                    return _in_rgb(image)
        except (
            image_module.DecompressionBombWarning,
            image_module.DecompressionBombError,
        ):
            raise UserError(
                f"{self.path} claims more than {image_module.MAX_IMAGE_PIXELS} pixels, which may "
                "be a decompression bomb; make it smaller."
            ) from None
        except UserError as error:
            raise UserError(f"{self.path} {error}") from None
        # Every decoder of Pillow meets damage with its own errors.
        except Exception as error:
            raise UserError(
                f"{self.path} is damaged or not an image ({one_line(error)})."
            ) from None


@dataclass(frozen=True)
class AudioFile:
    """A recording on disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def seconds(self) -> float:
        """Return how long it claims to be; more than an hour is a UserError."""
        soundfile = require("soundfile", "sounds")
        try:
            information = soundfile.info(str(self.path))
        except Exception as error:
            raise self._damaged(error) from None
        seconds = information.frames / information.samplerate
        if seconds > LONGEST_SECONDS:
            raise UserError(
                f"{self.path} is {seconds:.0f} seconds long; at most {LONGEST_SECONDS} are read."
            )
        return seconds

    def load(self, rate: int) -> np.ndarray:
        """Return the mean of its channels at ``rate``, (n,) float32."""
        soundfile = require("soundfile", "sounds")
        self.seconds()
        try:
            _require_whole_wav(self.path)
            channels, own_rate = soundfile.read(str(self.path), dtype="float32", always_2d=True)
        except Exception as error:
            raise self._damaged(error) from None
        return at_rate(self.name, channels.mean(axis=1), own_rate, rate)

    def _damaged(self, error: Exception) -> UserError:
        return UserError(f"{self.path} is damaged or not a sound ({one_line(error)}).")


def _require_whole_wav(path: Path) -> None:
    """Raise ValueError for a .wav that ends early, of which libsndfile reads what is there."""
    with open(path, "rb") as stream:
        head = stream.read(8)
        held = stream.seek(0, 2) - len(head)
    claimed = int.from_bytes(head[4:], "little")
    # Programs that write to a pipe claim the most there is.
    if head[:4] == b"RIFF" and held + 1 < claimed < 0xFFFFFFFF:
        raise ValueError(f"it ends after {held} of {claimed} bytes")


def _in_rgb(image: Image) -> Image:
    """As a camera meant it to be seen: turned as its Exif entry says, 16 bits as 8."""
    operations = require("PIL.ImageOps", "images", "models")
    image = operations.exif_transpose(image)
    if image.mode in ("I", "F"):
        raise UserError(
            f"holds 32-bit numbers (mode {image.mode}), of which none is said to be white; "
            "expected 8 or 16 bits."
        )
    if image.mode.startswith("I;16"):
        # Pillow would cut them at 255, which leaves white.
        pixels = np.asarray(image, dtype=np.uint16) >> 8
        image = require("PIL.Image", "images", "models").fromarray(pixels.astype(np.uint8))
    return image.convert("RGB")


def at_rate(name: str, wave: np.ndarray, own_rate: int, rate: int) -> np.ndarray:
    """Return a wave (n,) resampled to ``rate``; nothing, NaN and infinity are UserErrors."""
    if wave.size == 0:
        raise UserError(f"{name} holds no sound.")
    if not np.isfinite(wave).all():
        raise UserError(f"{name} holds NaN or infinity; expected a sound.")
    if own_rate != rate:
        signal = require("scipy.signal", "sounds at another rate than the model's")
        shared = math.gcd(own_rate, rate)
        wave = signal.resample_poly(wave, rate // shared, own_rate // shared)
    return np.ascontiguousarray(wave, dtype=np.float32)


def media_samples(
    directory: Path,
) -> tuple[str, int, str, Callable[[], Iterator[Any]]]:
    """Return (modality, n, sha256 over names and contents, a function that goes through them).

    Files are ordered by name, numbers in it as numbers: 2.png before 10.png. Other files and
    subdirectories are passed over.
    """
    files = [path for path in directory.iterdir() if not path.name.startswith(".")]
    kinds: dict[str, list[Path]] = {
        "image": [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES],
        "audio": [path for path in files if path.suffix.lower() in AUDIO_SUFFIXES],
    }
    found = [modality for modality, paths in kinds.items() if paths]
    if len(found) != 1:
        what = "both images and sounds" if found else "neither images nor sounds"
        raise UserError(
            f"{directory} holds {what}; expected one kind: {', '.join(IMAGE_SUFFIXES)}, or "
            f"{', '.join(AUDIO_SUFFIXES)}."
        )
    (modality,) = found
    paths = sorted(kinds[modality], key=lambda path: natural_order(path.name))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{sha256_of_file(path)}\n".encode())
    kind = ImageFile if modality == "image" else AudioFile
    return modality, len(paths), digest.hexdigest(), lambda: map(kind, paths)
