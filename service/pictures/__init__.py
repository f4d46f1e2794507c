"""Draws pictures from plain values; knows no stores, no models and no HTTP."""
