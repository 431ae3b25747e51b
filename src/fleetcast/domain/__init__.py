"""The nouns every other room speaks: segment, week, tables, versions, errors."""
