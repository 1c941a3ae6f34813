"""Files that must be fetched: the catalogue, its sources and importers, the cache."""
