"""What `spacy train` uses: the reader, augmenters, callbacks, the scorer and the logger."""
