"""How well the rules judge: commands that print figures, used by the tests as well."""
