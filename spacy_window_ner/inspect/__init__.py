"""What can be seen of a pipeline and of its data: facts as plain data."""
