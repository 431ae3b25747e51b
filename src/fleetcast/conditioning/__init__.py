"""Raw rows to conditioned tables: the rules of time, conservation, demand and membership."""
