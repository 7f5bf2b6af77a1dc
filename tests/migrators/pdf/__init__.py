"""Menders, each on a document that breaks its rule."""
