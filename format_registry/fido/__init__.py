"""FIDO made whole: PRONOM's signatures compiled once, matched by head, tail and parts."""
