# SPDX-License-Identifier: AGPL-3.0-or-later
"""TIFF files written so that nothing of a picture is lost.

Neither library does: Pillow makes 16-bit colour into 8-bit and leaves metadata out, libvips
expands palettes and bitmaps, invents resolutions and wants pages of one size. They decode;
the file around the pixels is put together here, and then read back by them.
"""
