"""A Power BI project over the views, as text: a semantic model in TMDL, and a report in PBIR."""
