"""What all tests share."""

# First of all, or the test plugin's package of the same name is found instead of ours.
import custom_components  # noqa: F401
