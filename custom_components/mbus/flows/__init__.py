"""Dialogs: connections, the search, meters and their settings, bindings and transformations."""
