"""Helpers that the notebooks of *Convolutions, Checked* share."""
