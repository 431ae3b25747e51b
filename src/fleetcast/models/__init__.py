"""The models: recipes that are fitted, fitted ones that predict, and their stored form."""
