"""What `speed.py` measures, one kind of figure in each module."""
