# SPDX-License-Identifier: AGPL-3.0-or-later
"""What reads digital signatures of PDFs; its modules run in the child that reads files."""
