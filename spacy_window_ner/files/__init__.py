"""What is read and written: texts, components, and which pipeline results belong to."""
