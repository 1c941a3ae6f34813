"""One picture: decoding, encoding, colour, tiles."""
