"""To look at what a pipeline does: facts as plain data, and pages that show them."""
