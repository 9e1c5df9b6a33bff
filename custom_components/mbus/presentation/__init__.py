"""From a record to what a person sees."""
