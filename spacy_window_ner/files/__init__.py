"""Reading and writing of texts, annotated documents and components."""
