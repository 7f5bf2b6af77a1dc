"""A delivery in, a proven, recorded and reported migration out."""
