"""A delivery as a case-management system would export it, made by code."""
