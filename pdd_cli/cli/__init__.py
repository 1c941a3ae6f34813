"""The command line: it talks to a person and calls the recipes."""
