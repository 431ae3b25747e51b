"""Who may do what: accounts, roles, region grants, sessions and tokens of the people that a fleet is served to."""
