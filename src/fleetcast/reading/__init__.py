"""What people are shown of a fleet, by whoever shows it: pages, the API. It only reads, and only what a reader may see."""
