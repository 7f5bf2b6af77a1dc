# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scans, photographs and plans in the raster formats of a delivery, drawn by code."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageDraw, ImageFont

from pipeline.demo.made import Folder


def font(size: int) -> Any:
    """Return Liberation Sans, which packages.apt installs; size in pixels."""
    return ImageFont.truetype("LiberationSans-Regular.ttf", size)


def photograph(width: int = 640, height: int = 420) -> Any:
    """Return a picture with many colours: sky, field, a barn."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        share = y / height
        sky = (int(120 + 100 * share), int(170 + 50 * share), 235)
        field = (int(90 + 80 * share), int(140 - 30 * share), 60)
        draw.line((0, y, width, y), fill=sky if y < height * 0.6 else field)
    draw.rectangle((width * 0.55, height * 0.38, width * 0.8, height * 0.68), fill=(150, 40, 30))
    draw.ellipse((60, 40, 130, 110), fill=(255, 240, 170))
    return image


def page(lines: list[str], dpi: int = 200) -> Any:
    """Return an A4 page in grey with lines of text, as a scanner leaves it."""
    image = Image.new("L", (int(8.27 * dpi), int(11.69 * dpi)), 250)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((dpi, dpi + number * dpi * 0.32), line, font=font(int(dpi * 0.18)), fill=20)
    return image


def plan() -> Any:
    """Return a drawing in black and white."""
    image = Image.new("1", (1654, 1169), 1)
    draw = ImageDraw.Draw(image)
    for number in range(8):
        draw.rectangle((100 + number * 60, 100 + number * 40, 1500, 1000), outline=0)
    draw.text((120, 1040), "Situationsplan 1:400  Ängsgatan 4", font=font(48), fill=0)
    return image


def srgb() -> bytes:
    """Return an sRGB profile without the time of its making (ICC.1:2010, 7.2)."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = bytes((7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))
    data[84:100] = bytes(16)
    return bytes(data)


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    """Return a picture in a format that Pillow writes."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture_files(folder: Folder) -> None:
    """Make a file of each raster format."""
    photo, drawing = photograph(), plan()
    diary = [page([f"Dagbok för fastighetsnämnden, sida {n}", "Ärende  Åtgärd"]) for n in (1, 2, 3)]
    deep = Image.frombytes(
        "I;16", (256, 64), b"".join((x * 257).to_bytes(2, "little") for x in range(256)) * 64
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned a quarter
    exif[0x010E] = "Lada vid Ängsgatan"
    exif[0x0132] = "2024:03:14 09:30:00"
    for name, content, what in (
        ("Skannat/Dagbok.tif",
         encoded(diary[0], "TIFF", save_all=True, append_images=diary[1:],
                 compression="tiff_deflate", dpi=(200, 200)), "TIFF of three pages"),
        ("Ritningar/Situationsplan.tif",
         encoded(drawing, "TIFF", compression="group4", dpi=(200, 200)), "TIFF, G4"),
        ("Bilder/Mätning 16 bitar.tif", encoded(deep, "TIFF"), "TIFF, 16 bits"),
        ("Bilder/Tryckoriginal.tif",
         encoded(photo.convert("CMYK"), "TIFF", compression="tiff_lzw"), "TIFF, CMYK"),
        ("Bilder/Färgprofil.tif", encoded(photo, "TIFF", icc_profile=srgb()), "TIFF with ICC"),
        ("Bilder/Lada.jpg",
         encoded(photo, "JPEG", quality=88, exif=exif, dpi=(300, 300)), "JPEG, EXIF, turned"),
        ("Bilder/Lada.png", encoded(photo, "PNG", icc_profile=srgb()), "PNG"),
        ("Bilder/Vapen.gif", encoded(photo.resize((120, 80)).quantize(64), "GIF"), "GIF"),
        ("Bilder/Inskannad 1998.bmp", encoded(photo.resize((320, 210)), "BMP"), "BMP"),
        ("Bilder/Flygfoto.jp2", encoded(photo, "JPEG2000", irreversible=False), "JPEG 2000"),
    ):  # fmt: skip
        folder.write(name, content, what)
