"""Home Assistant's pages, walked through as a person does: a real browser, a real Home Assistant, simulated meters."""
