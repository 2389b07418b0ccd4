"""The command `c8s`. Everything it does stands on the collection's `module_utils`."""
