"""What a pipeline gets right and wrong, and why: facts as plain data, and pages over them."""
