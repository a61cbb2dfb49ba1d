"""Files of many gigabytes in Django: streamed in, verified, described, served with ranges."""

__version__ = "0.1.0"
