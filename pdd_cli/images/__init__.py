"""One picture: decoding, encoding, metadata, colour, tiles."""
