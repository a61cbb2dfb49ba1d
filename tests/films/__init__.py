"""A host project's app whose rows refer to assets."""
