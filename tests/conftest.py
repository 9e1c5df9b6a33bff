"""What all tests share."""

import logging

# Before the test plugin, or its package of the same name is found instead of ours.
import custom_components  # noqa: F401

# The test plugin has each statement told, which buries what a failing test says.
logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
