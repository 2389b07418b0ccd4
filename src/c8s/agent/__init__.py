"""What runs in the pods of steps beside the user's container: clone, carry files, wait."""
