"""Rendered pictures of a staff gauge in a river, with the truth known to the millimetre."""
