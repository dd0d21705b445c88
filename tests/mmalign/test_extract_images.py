"""Images as they lie on disks: modes, bit depths, and turned as cameras leave them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mmalign.errors import UserError
from mmalign.extract.media import ImageFile

RAMP = np.linspace(0, 65535, 12 * 8).astype(np.uint16).reshape(8, 12)


def loaded(image: Image.Image, path, **options) -> np.ndarray:
    image.save(path, **options)
    found = ImageFile(path).load()
    assert found.mode == "RGB"
    return np.asarray(found)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_keep_their_brightness(tmp_path, suffix):
    found = loaded(Image.fromarray(RAMP), tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(found, np.repeat((RAMP >> 8)[..., None], 3, axis=2))


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = Image.fromarray((RAMP >> 8).astype(np.uint8))
    plain = loaded(pixels, tmp_path / "plain.png")
    turned = loaded(pixels, tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(turned, np.rot90(plain, -1))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK"])
def test_other_modes_become_rgb(tmp_path, mode):
    image = Image.new("RGB", (12, 8), (51, 51, 51)).convert(mode)
    found = loaded(image, tmp_path / "a.tif")
    assert found.shape == (8, 12, 3)
    np.testing.assert_allclose(found, 51, atol=1)


def test_numbers_without_a_white_are_refused(tmp_path):
    path = tmp_path / "depth.tif"
    Image.fromarray(RAMP.astype(np.float32)).save(path)
    with pytest.raises(UserError, match=r"depth\.tif holds 32-bit numbers \(mode F\)"):
        ImageFile(path).load()
